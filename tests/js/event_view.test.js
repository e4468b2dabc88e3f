import assert from "node:assert/strict";
import { test } from "node:test";
import { lowestPrice, toEventView } from "../../assets/js/event_view.js";

const tier = (all_in_paise, available, status = "on_sale") => ({ all_in_paise, available, status });

test("“from” is a price that can still be paid, as long as there is one", () => {
  assert.equal(lowestPrice([tier(500, 0), tier(900, 3)]), 900);
  assert.equal(lowestPrice([tier(500, 3, "ended"), tier(900, 3)]), 900);
  assert.equal(lowestPrice([tier(500, 0), tier(900, 0)]), 500);
});

test("the opening is counted by the server's clock", () => {
  const event = { name: "Show", tiers: [tier(0, 1)], sales_open_at: "2027-01-01T00:01:00Z" };
  const now = Date.parse("2027-01-01T00:00:00Z");
  assert.equal(toEventView(event, 0, now).opens_in_seconds, 60);
  assert.equal(toEventView(event, 20_000, now).opens_in_seconds, 40);
  assert.equal(toEventView(event, 90_000, now).opens_in_seconds, 0);
  assert.equal(toEventView(event, 0, now).costs, false);
});
