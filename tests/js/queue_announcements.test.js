import assert from "node:assert/strict";
import { test } from "node:test";
import { createAnnouncer, queueTitle } from "../../assets/js/queue_announcements.js";

const waiting = (position, mood = "") => ({ phase: "waiting", mood, position, event: {} });

test("a screen reader hears a new position each minute, and near the head every five seconds", () => {
  const announce = createAnnouncer();
  const first = announce(waiting(500), 0);
  assert.equal(announce(waiting(499), 30_000), first);
  const second = announce(waiting(490), 61_000);
  assert.notEqual(second, first);
  const near = announce(waiting(9), 130_000);
  assert.notEqual(announce(waiting(8), 136_000), near);
});

test("a screen reader hears a change of state at once", () => {
  const announce = createAnnouncer();
  announce(waiting(3), 0);
  assert.equal(announce(waiting(1, "next"), 10), "You are next.");
  assert.match(announce({ phase: "sold_out", mood: "" }, 20), /sold/);
  assert.equal(announce({ phase: "left", mood: "" }, 30), "You left the queue");
  assert.match(announce({ phase: "moved", mood: "" }, 40), /on your other device/);
});

test("the title calls back only a hidden tab", () => {
  const admitted = { phase: "admitted", mood: "", position: 0, event: { name: "Show" } };
  assert.equal(queueTitle(admitted, true), "● It is your turn · Show");
  assert.equal(queueTitle(admitted, false), "It is your turn · Show");
  assert.ok(!queueTitle(waiting(12), true).startsWith("●"));
});
