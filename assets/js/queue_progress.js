// Position, estimate and note of a visitor in the queue.
//
// Position and estimate only ever improve, unless the server says why not: answers come from
// several workers whose snapshots are up to a second apart, and a visitor who returns is let back
// in before those behind.

import { formatCount, formatRange } from "./formatting.js";
import { gettext, translated } from "./language.js";

/** @typedef {import("./types").FeedValue} FeedValue */

const RECORD_AGE_MS = 10 * 60 * 1000;
const NOTE_MS = 30000;

/**
 * @param {{position?: number, number?: number, note?: string}} body an answer of the API
 * @param {FeedValue} value what is shown
 * @param {import("./storage.js").QueueRecord} record what the browser's tabs share
 * @param {number} [now]
 */
export const positionFrom = (body, value, record, now = Date.now()) => {
  const answered = body.position ?? 0;
  const number = body.number ?? 0;
  const isFresh = now - (record.at ?? 0) < RECORD_AGE_MS && record.number === number;
  const known = isFresh ? record : {};
  const before = value.number === number && value.position ? value.position : known.position;
  const mayGrow = !before || !answered || body.note === "recalled";
  const position = mayGrow ? answered : Math.min(before, answered);
  const start = position ? Math.max(known.start ?? 0, value.joined_at, position) : 0;
  const passed = start > 1 ? (86 * (start - position)) / (start - 1) : position === 1 ? 86 : 0;
  return {
    position,
    ahead: position ? position - 1 : 0,
    number,
    joined_at: start,
    progress: 4 + passed,
  };
};

/**
 * The state of the page. For a moment after the opening a visitor waits and has no position yet;
 * then the page before stays.
 * @param {{state?: string, position?: number | null}} body
 * @param {FeedValue} value
 */
export const phaseFrom = ({ state = "", position }, value) => {
  if (state !== "waiting" || position) return state;
  return value.phase === "scheduled" ? "scheduled" : "joining";
};

/**
 * A little more is noise and is not shown; clearly more is never shown without the reason.
 * @param {{eta_seconds?: {low: number, high: number} | null, number?: number, note?: string,
 *   note_text?: string}} body
 * @param {FeedValue} value
 * @returns {FeedValue}
 */
export const estimateFrom = (body, value) => {
  const eta = body.eta_seconds;
  if (!eta) return { eta: "", eta_high: 0, eta_note: "" };
  const before = value.number === body.number ? value.eta_high : 0;
  const grew = before > 0 && eta.high > before;
  const reason = body.note === "slower" ? translated(body.note_text) : "";
  if (grew && !reason && eta.high < before * 1.25 + 30) return {};
  const plain = gettext(
    "The queue is moving more slowly than before, so this takes longer than we said.",
  );
  const unchanged = eta.high < before ? "" : value.eta_note;
  return {
    eta: formatRange(eta),
    eta_high: eta.high,
    eta_note: reason || (grew ? plain : unchanged),
  };
};

const HOPELESS = 0.02;
const EVEN = 0.4;

/**
 * How likely a ticket is, with what it depends on; empty where one is sure.
 * @param {{odds?: number | null, ahead?: number | null, available?: number, held?: number}} body
 */
export const oddsFrom = ({ odds, ahead, available, held }) => {
  if (odds === null || odds === undefined) return "";
  const count = (/** @type {number | null | undefined} */ value) => formatCount(value ?? 0);
  const facts = { ahead: count(ahead), available: count(available), held: count(held) };
  if (odds < HOPELESS)
    return gettext(
      "There is practically no chance of a ticket from here: {ahead} ahead of you, {available} tickets left, {held} on hold.",
      facts,
    );
  const [part, whole] = odds < EVEN ? [1, Math.round(1 / odds)] : [Math.round(odds * 10), 10];
  return gettext(
    "{ahead} ahead of you, {available} tickets left, {held} on hold: your chance of a ticket is about {part} in {whole}.",
    { ...facts, part, whole },
  );
};

/**
 * Good news of one answer stays long enough to be read.
 * @param {{note?: string, note_text?: string}} body
 * @param {FeedValue} value
 * @param {number} [now]
 */
export const noteFrom = (body, value, now = Date.now()) => {
  const { note, note_text, note_until } = value;
  if (note === "recalled" && !body.note && now < note_until) return { note, note_text, note_until };
  // A poll is the same in every language, so its sentence is translated here.
  const text = translated(body.note_text);
  return { note: body.note ?? "", note_text: text, note_until: now + NOTE_MS };
};
