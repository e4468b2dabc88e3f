// Amounts, numbers, dates and durations as text. The counterpart of surge_app/formatting.py.

import { gettext, language, ngettext } from "./language.js";

const INDIA = ["Asia/Kolkata", "Asia/Calcutta"];

// In every language, as surge_app/languages/choice.py says.
const NUMBERS = "en-IN";
const numbers = new Intl.NumberFormat(NUMBERS);

/**
 * Group a number the Indian way: 1,02,961.
 * @param {number} number
 */
export const formatCount = (number) => numbers.format(number);

/**
 * ₹2,06,100, or ₹25.50 where there are paise.
 * @param {number} paise
 */
export const formatMoney = (paise) =>
  new Intl.NumberFormat(NUMBERS, {
    style: "currency",
    currency: "INR",
    minimumFractionDigits: paise % 100 ? 2 : 0,
    maximumFractionDigits: 2,
  }).format(paise / 100);

/**
 * An all-in price; nothing to pay is "Free".
 * @param {number} paise
 */
export const formatPrice = (paise) => (paise > 0 ? formatMoney(paise) : gettext("Free"));

/**
 * All-in prices of an event: "from ₹1,025", "₹1,024–₹8,024", "Free–₹8,024". A single price is
 * where a booking starts, for its fee is paid once.
 * @param {number} low
 * @param {number} high
 */
export const formatPrices = (low, high) => {
  if (low !== high) return `${formatPrice(low)}–${formatPrice(high)}`;
  return low > 0 ? gettext("from {price}", { price: formatMoney(low) }) : gettext("Free");
};

/**
 * "IST" in India, "GMT+9" or "GMT-3:30" elsewhere, as surge_app/formatting.py says it too.
 * @param {string} offset
 * @param {string} timeZone
 */
const zoneName = (offset, timeZone) =>
  INDIA.includes(timeZone) ? "IST" : offset.replace(/\+0$/, "");

/**
 * @param {string} moment
 * @param {Intl.DateTimeFormatOptions} options
 */
const dateParts = (moment, options) =>
  new Intl.DateTimeFormat(language().locale, { numberingSystem: "latn", ...options }).formatToParts(
    new Date(moment),
  );

/**
 * An ISO time in the event's own zone: "Sat 6 Mar 2027, 7:00 pm IST".
 * @param {string} moment empty gives ""
 * @param {string} timeZone
 */
export const formatEventTime = (moment, timeZone) => {
  if (!moment) return "";
  const parts = dateParts(moment, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
    hour12: true,
    timeZoneName: "shortOffset",
    timeZone,
  });
  const part = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  const day = `${part.weekday} ${part.day} ${part.month} ${part.year}`;
  const time = `${part.hour}:${part.minute} ${part.dayPeriod?.toLowerCase()}`;
  return `${day}, ${time} ${zoneName(part.timeZoneName ?? "", timeZone)}`;
};

/**
 * @param {string} moment
 * @param {Intl.DateTimeFormatOptions} options
 */
const format = (moment, options) =>
  dateParts(moment, options)
    .map(({ value }) => value)
    .join("");

/**
 * The day of the month in the event's own zone: "6".
 * @param {string} moment
 * @param {string} timeZone
 */
export const formatDay = (moment, timeZone) => format(moment, { day: "numeric", timeZone });

/**
 * The month in the event's own zone: "Mar".
 * @param {string} moment
 * @param {string} timeZone
 */
export const formatMonth = (moment, timeZone) => format(moment, { month: "short", timeZone });

/**
 * The same moment by the reader's own clock: "Sat 6 Mar, 1:30 pm".
 * @param {string} moment
 * @param {string} eventZone
 * @param {string} [ownZone] the device's unless given
 * @returns {string} empty where both clocks agree
 */
export const formatLocalTime = (moment, eventZone, ownZone) => {
  if (!moment) return "";
  const show = (/** @type {string | undefined} */ timeZone) =>
    format(moment, {
      weekday: "short",
      day: "numeric",
      month: "short",
      hour: "numeric",
      minute: "2-digit",
      hour12: true,
      timeZone,
    });
  const own = show(ownZone);
  return own === show(eventZone) ? "" : own;
};

/**
 * A duration in its largest unit: "6 days", "3 hours", "5 minutes".
 * @param {number} seconds
 */
export const formatDuration = (seconds) => {
  if (seconds >= 86400) return ngettext("{count} day", "{count} days", Math.round(seconds / 86400));
  if (seconds >= 3600) return ngettext("{count} hour", "{count} hours", Math.round(seconds / 3600));
  return ngettext("{count} minute", "{count} minutes", Math.max(1, Math.ceil(seconds / 60)));
};

const pad = (/** @type {number} */ part) => String(part).padStart(2, "0");

/**
 * A clock that counts down: "4:59", "1:04:59", "2 days 3:04:59".
 * @param {number} seconds
 */
export const formatClock = (seconds) => {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const time =
    hours || days
      ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}`
      : `${minutes}:${pad(seconds % 60)}`;
  return days ? `${ngettext("{count} day", "{count} days", days)} ${time}` : time;
};

/**
 * How old something is: "just now", "12 s ago", "3 min ago".
 * @param {number} seconds
 */
export const formatAge = (seconds) => {
  if (seconds < 2) return gettext("just now");
  return seconds < 60
    ? gettext("{count} s ago", { count: seconds })
    : gettext("{count} min ago", { count: Math.floor(seconds / 60) });
};

/**
 * An estimate: "6–8 min", "< 1 min", "2–3 h".
 * @param {{low: number, high: number}} seconds
 */
export const formatRange = ({ low, high }) => {
  const from = Math.max(1, Math.round(low / 60));
  const to = Math.max(from, Math.round(high / 60));
  if (high < 60) return gettext("< 1 min");
  if (from >= 120) {
    return gettext("{range} h", { range: `${Math.floor(from / 60)}–${Math.ceil(to / 60)}` });
  }
  return gettext("{range} min", { range: from === to ? to : `${from}–${to}` });
};

/** @type {[RegExp, string][]} */
const SCRIPTS = [
  ["Devanagari", "hi"],
  ["Bengali", "bn"],
  ["Gurmukhi", "pa"],
  ["Gujarati", "gu"],
  ["Oriya", "or"],
  ["Tamil", "ta"],
  ["Telugu", "te"],
  ["Kannada", "kn"],
  ["Malayalam", "ml"],
  ["Sinhala", "si"],
  ["Arabic", "ur"],
  ["Hebrew", "he"],
  ["Greek", "el"],
  ["Cyrillic", "ru"],
  ["Thai", "th"],
  ["Hiragana", "ja"],
  ["Katakana", "ja"],
  ["Hangul", "ko"],
  ["Han", "zh"],
].map(([script, tag]) => [new RegExp(`\\p{Script=${script}}`, "gu"), tag]);

/**
 * The language that a text's script suggests, for screen readers and hyphenation.
 * @param {string} text
 * @returns {string | undefined} undefined where most letters are Latin, on a page in English
 */
export const languageOf = (text) => {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const found = SCRIPTS.find(([script]) => 2 * (text.match(script)?.length ?? 0) > letters)?.[1];
  const { tag } = language();
  // Hindi and Marathi share a script.
  if (found === "hi" && tag === "mr") return tag;
  return found ?? (tag === "en" ? undefined : "en");
};
