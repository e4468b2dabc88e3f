import assert from "node:assert/strict";
import { test } from "node:test";
import { nextFirst, toEventView, withStock } from "../../assets/js/event_view.js";

test("the opening is counted by the server's clock", () => {
  const event = {
    name: "Show",
    tiers: [{ all_in_paise: 0 }],
    sales_open_at: "2027-01-01T00:01:00Z",
  };
  const now = Date.parse("2027-01-01T00:00:00Z");
  assert.equal(toEventView(event, 0, now).opens_in_seconds, 60);
  assert.equal(toEventView(event, 20_000, now).opens_in_seconds, 40);
  assert.equal(toEventView(event, 90_000, now).opens_in_seconds, 0);
  assert.equal(toEventView(event, 0, now).costs, false);
});

test("the sale that opens next comes first and is marked, and the others keep their order", () => {
  const listed = [
    ["on_sale", 0],
    ["scheduled", 900],
    ["scheduled", 60],
    ["scheduled", 0],
  ].map(([status, opens_in_seconds]) => ({ status, opens_in_seconds, is_next: false }));
  const [now, later, soon, unknown] = listed;
  assert.deepEqual(nextFirst(listed), [{ ...soon, is_next: true }, now, later, unknown]);
  assert.deepEqual(nextFirst([now, unknown]), [now, unknown]);
});

test("what is free of each tier is shown as the queue counts it", () => {
  const tiers = ["on_sale", "all_held", "sold_out", "scheduled"].map((status) => ({
    status,
    available: 9,
  }));
  const statuses = (counts, held) =>
    withStock({ tiers }, counts, held).tiers.map(({ status, available }) => [status, available]);
  assert.deepEqual(statuses([3, 2, 1, 0], 0), [
    ["on_sale", 3],
    ["on_sale", 2],
    ["on_sale", 1],
    ["scheduled", 0],
  ]);
  assert.deepEqual(statuses([0, 0, 0, 0], 4), [
    ["on_sale", 0],
    ["all_held", 0],
    ["sold_out", 0],
    ["scheduled", 0],
  ]);
  assert.deepEqual(statuses([0, 0, 0, 0], 0)[0], ["sold_out", 0]);
  assert.equal(withStock({ tiers }, [1, 2], 0).tiers, tiers);
});
