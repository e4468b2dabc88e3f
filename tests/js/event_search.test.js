import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apiQuery,
  dateRange,
  isNarrowed,
  MOST,
  nextLimit,
  readSearch,
} from "../../assets/js/event_search.js";

const NOTHING = { q: "", city: "", category: "", when: "" };

test("an address without a search narrows nothing", () => {
  for (const query of ["", "?utm_source=mail", "?q=&city=&category=&when="]) {
    assert.deepEqual(readSearch(query), NOTHING);
    assert.equal(isNarrowed(readSearch(query)), false);
  }
  assert.equal(apiQuery(NOTHING, 60), "limit=60");
});

test("a search is as long as the API takes it", () => {
  const found = readSearch(`?q=${"a".repeat(300)}&city=+Pune+&category=${"b".repeat(300)}`);
  assert.deepEqual([found.q.length, found.city, found.category.length], [100, "Pune", 40]);
  assert.equal(isNarrowed(found), true);
});

test("days are counted from the visitor's midnight", () => {
  // A Wednesday.
  const now = new Date(2027, 2, 3, 17, 30);
  /** @param {string} when @param {Date} at */
  const days = (when, at) => {
    const range = dateRange(when, at);
    return range && [range.from.getDate(), range.to.getDate()];
  };
  assert.deepEqual(days("today", now), [3, 4]);
  assert.deepEqual(days("week", now), [3, 10]);
  assert.deepEqual(days("month", now), [3, 2]);
  assert.deepEqual(days("weekend", now), [6, 8]);
  assert.deepEqual(days("weekend", new Date(2027, 2, 6, 9)), [6, 8]);
  assert.deepEqual(days("weekend", new Date(2027, 2, 7, 23)), [7, 8]);
  assert.equal(dateRange("", now), null);
  assert.equal(dateRange("never", now), null);
  assert.equal(dateRange("today", now)?.from.getHours(), 0);
});

test("the API is asked for what was chosen and nothing else", () => {
  const now = new Date(2027, 2, 3, 17, 30);
  const query = new URLSearchParams(apiQuery({ ...NOTHING, q: "a & b", when: "today" }, 120, now));
  assert.deepEqual([...query.keys()].sort(), ["from", "limit", "q", "to"]);
  assert.equal(query.get("q"), "a & b");
  assert.equal(query.get("from"), new Date(2027, 2, 3).toISOString());
});

test("each press shows more, up to what the API lists", () => {
  const limits = [nextLimit()];
  while (limits.at(-1) !== MOST) limits.push(nextLimit(limits.at(-1)));
  assert.deepEqual(limits, [60, 120, 180, 200]);
});
