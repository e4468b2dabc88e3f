import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  formatAge,
  formatClock,
  formatCount,
  formatDay,
  formatDuration,
  formatEventTime,
  formatLocalTime,
  formatMoney,
  formatMonth,
  formatPrice,
  formatPrices,
  formatRange,
  languageOf,
} from "../../assets/js/formatting.js";

const zones = JSON.parse(readFileSync(new URL("zones.json", import.meta.url), "utf8"));

test("amounts are grouped the Indian way, with paise only where there are some", () => {
  assert.equal(formatMoney(20610000), "₹2,06,100");
  assert.equal(formatMoney(2550), "₹25.50");
  assert.equal(formatPrice(0), "Free");
  assert.equal(formatCount(102961), "1,02,961");
});

test("a time is that of the event, and that of the reader only where it differs", () => {
  const moment = "2027-03-06T13:30:00Z";
  assert.match(formatEventTime(moment, "Asia/Kolkata"), /^Sat 6 Mar 2027, 7:00 pm IST$/);
  assert.equal(formatEventTime("", "Asia/Kolkata"), "");
  assert.equal(formatLocalTime(moment, "Asia/Kolkata", "Asia/Kolkata"), "");
  assert.match(formatLocalTime(moment, "Asia/Kolkata", "Europe/London"), /1:30/);
  const newYear = "2026-12-31T20:00:00Z";
  assert.deepEqual(
    [formatDay(newYear, "Asia/Kolkata"), formatMonth(newYear, "Asia/Kolkata")],
    ["1", "Jan"],
  );
});

test("a zone is named as in mails and on paper", () => {
  for (const [moment, zone, name] of zones)
    assert.equal(formatEventTime(moment, zone).split("m ").at(-1), name);
});

test("a countdown counts in minutes, hours and days", () => {
  const clocks = [0, 59, 299, 3600, 86400, 90061].map(formatClock);
  assert.deepEqual(clocks, ["0:00", "0:59", "4:59", "1:00:00", "1 day 0:00:00", "1 day 1:01:01"]);
});

test("a duration is named in its largest unit", () => {
  const durations = [1, 300, 7200, 86400, 518400].map(formatDuration);
  assert.deepEqual(durations, ["1 minute", "5 minutes", "2 hours", "1 day", "6 days"]);
});

test("an age grows from now to minutes", () => {
  assert.deepEqual([0, 12, 185].map(formatAge), ["just now", "12 s ago", "3 min ago"]);
});

test("an estimate is a range until both ends agree", () => {
  const ranges = [
    [10, 50],
    [350, 500],
    [300, 310],
    [7200, 10000],
  ].map(([low, high]) => formatRange({ low, high }));
  assert.deepEqual(ranges, ["< 1 min", "6–8 min", "5 min", "2–3 h"]);
});

test("the prices of an event are a range, and free only where nothing costs", () => {
  assert.equal(formatPrices(0, 0), "Free");
  assert.equal(formatPrices(0, 802400), "Free–₹8,024");
  assert.equal(formatPrices(102400, 802400), "₹1,024–₹8,024");
  assert.equal(formatPrices(102500, 102500), "from ₹1,025");
});

test("a text is in the language of its script, and a name in Latin letters in the page's", () => {
  assert.equal(languageOf("दीवाली मेला 2027"), "hi");
  assert.equal(languageOf("தமிழ் இசை"), "ta");
  assert.equal(languageOf("ليلة الموسيقى"), "ur");
  assert.equal(languageOf("Monsoon Beats (मानसून)"), undefined);
  assert.equal(languageOf("2027"), undefined);
});
