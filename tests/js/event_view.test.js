import assert from "node:assert/strict";
import { test } from "node:test";
import { nextFirst, toEventView } from "../../assets/js/event_view.js";

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
