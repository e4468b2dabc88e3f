import assert from "node:assert/strict";
import { test } from "node:test";
import {
  estimateFrom,
  noteFrom,
  oddsFrom,
  phaseFrom,
  positionFrom,
} from "../../assets/js/queue_progress.js";

const NOW = 1_000_000_000;
const shown = { number: 7, position: 40, joined_at: 100, eta_high: 600, eta_note: "" };

test("a position never grows, because answers of several workers differ by a second", () => {
  assert.equal(positionFrom({ number: 7, position: 42 }, shown, {}, NOW).position, 40);
  assert.equal(positionFrom({ number: 7, position: 31 }, shown, {}, NOW).position, 31);
});

test("a position may grow for a recalled visitor and for another number", () => {
  const recalled = { number: 7, position: 55, note: "recalled" };
  assert.equal(positionFrom(recalled, shown, {}, NOW).position, 55);
  assert.equal(positionFrom({ number: 8, position: 90 }, shown, {}, NOW).position, 90);
});

test("a reload continues from what the tabs of the browser share, while it is fresh", () => {
  const empty = { number: 0, position: 0, joined_at: 0 };
  const record = { number: 7, position: 20, start: 200, at: NOW - 1000 };
  const next = positionFrom({ number: 7, position: 25 }, empty, record, NOW);
  assert.deepEqual([next.position, next.joined_at], [20, 200]);
  const old = { ...record, at: NOW - 11 * 60 * 1000 };
  assert.equal(positionFrom({ number: 7, position: 25 }, empty, old, NOW).position, 25);
});

test("progress starts at 4 per cent and ends at 90 for the head", () => {
  const at = (position) => positionFrom({ number: 7, position }, shown, {}, NOW).progress;
  assert.equal(at(1), 90);
  assert.ok(at(20) > at(40));
  const alone = positionFrom({ number: 1, position: 1 }, { joined_at: 0 }, {}, NOW);
  assert.equal(alone.progress, 90);
});

test("an estimate hides noise and explains clear growth", () => {
  const eta = (high, more = {}) => ({ number: 7, eta_seconds: { low: 300, high }, ...more });
  assert.deepEqual(estimateFrom(eta(650), shown), {});
  assert.match(String(estimateFrom(eta(900), shown).eta_note), /longer than we said/);
  const slower = { note: "slower", note_text: "Others are paying." };
  assert.equal(estimateFrom(eta(650, slower), shown).eta_note, "Others are paying.");
  assert.equal(estimateFrom(eta(500), { ...shown, eta_note: "slow" }).eta_note, "");
  assert.equal(estimateFrom({}, shown).eta, "");
});

test("good news stays for half a minute", () => {
  const value = { note: "recalled", note_text: "Welcome back.", note_until: NOW + 1 };
  assert.equal(noteFrom({}, value, NOW).note, "recalled");
  assert.equal(noteFrom({}, value, NOW + 2).note, "");
  assert.equal(noteFrom({ note: "slower" }, value, NOW).note, "slower");
});

test("a visitor who waits without a position sees the page before, never position 0", () => {
  const undrawn = { state: "waiting", position: null };
  assert.equal(phaseFrom(undrawn, { phase: "scheduled" }), "scheduled");
  assert.equal(phaseFrom(undrawn, { phase: "loading" }), "joining");
  assert.equal(phaseFrom({ state: "waiting", position: 1 }, { phase: "scheduled" }), "waiting");
  assert.equal(phaseFrom({ state: "paused", position: null }, { phase: "waiting" }), "paused");
});

test("a chance is told as people say it, and early where there is practically none", () => {
  const facts = { ahead: 1312, available: 40, held: 55 };
  assert.equal(oddsFrom({}), "");
  assert.equal(oddsFrom({ ...facts, odds: null }), "");
  const hopeless = oddsFrom({ ...facts, odds: 0.004 });
  assert.match(hopeless, /practically no chance .* 1,312 ahead .* 40 tickets left, 55 on hold/);
  assert.match(oddsFrom({ ...facts, odds: 0.21 }), /^1,312 ahead of you.* about 1 in 5\.$/);
  assert.match(oddsFrom({ ...facts, odds: 0.71 }), /about 7 in 10\.$/);
  assert.match(oddsFrom({ ...facts, odds: 0.9 }), /about 9 in 10\.$/);
});
