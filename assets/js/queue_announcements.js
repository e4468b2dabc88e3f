// What the waiting room says to a screen reader, and in the title of its tab.

import { formatCount } from "./formatting.js";

/** @typedef {import("./types").FeedValue} FeedValue */

const NEAR = 10;
const NEAR_MS = 5000;
const FAR_MS = 60000;

/** @param {FeedValue} value */
const sentence = ({ phase, mood, position, note_text }) => {
  const place = `Your place in line is ${formatCount(position)}.`;
  const waiting =
    mood === "next"
      ? "You are next."
      : mood === "held"
        ? `${place} Every ticket is on hold right now.`
        : place;
  /** @type {Record<string, string>} */
  const sentences = {
    waiting,
    admitted: "It is your turn. Taking you in.",
    paused: "The line is paused. Your place is kept.",
    scheduled: "The sale has not opened yet. This page takes you in by itself.",
    sold_out: "All tickets are sold.",
    ended: "The sale is over.",
    lost: note_text || "Your place was given up.",
    challenge: "A short check runs by itself before you join.",
    elsewhere: "It is your turn. It goes on in another tab.",
  };
  return sentences[phase] ?? "";
};

/** Say each change of state at once, a new position near the head often, elsewhere each minute. */
export const createAnnouncer = () => {
  let last = { text: "", at: 0, step: "" };
  /**
   * @param {FeedValue} value
   * @param {number} [now]
   */
  return (value, now = Date.now()) => {
    const text = sentence(value);
    const step = `${value.phase} ${value.mood}`;
    const pace = value.position && value.position <= NEAR ? NEAR_MS : FAR_MS;
    if (step !== last.step || (text !== last.text && now - last.at > pace)) {
      last = { text, at: now, step };
    }
    return last.text;
  };
};

/**
 * The title of the tab. A dot marks what a visitor in another tab should return for.
 * @param {FeedValue} value
 * @param {boolean} isHidden
 */
export const queueTitle = ({ phase, mood, position, event }, isHidden) => {
  const place = formatCount(position);
  /** @type {Record<string, [string, boolean]>} */
  const titles = {
    waiting: [mood === "next" ? "You are next" : `${place} in line`, mood === "next"],
    admitted: ["It is your turn", true],
    elsewhere: ["Your turn, in another tab", false],
    paused: [position ? `${place} in line, paused` : "The line is paused", false],
    scheduled: ["Opens soon", false],
    sold_out: ["Sold out", true],
    lost: ["Your place was given up", true],
    left: ["You left the line", false],
    challenge: ["One check", false],
    ended: ["The sale is over", true],
  };
  const [text, calls] = titles[phase] ?? ["Waiting room", false];
  return `${calls && isHidden ? "● " : ""}${text} · ${event.name || "Surge"}`;
};
