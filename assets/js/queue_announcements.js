// What the waiting room says to a screen reader, and in the title of its tab.

import { formatCount } from "./formatting.js";

/** @typedef {import("./types").FeedValue} FeedValue */

const NEAR = 10;
const NEAR_MS = 5000;
const FAR_MS = 60000;

/** @param {FeedValue} value */
const sentence = ({ phase, mood, position, note_text }) => {
  const place = `Your position in the queue is ${formatCount(position)}.`;
  const waiting =
    mood === "next"
      ? "You are next."
      : mood === "held"
        ? `${place} All remaining tickets are in other people's checkouts.`
        : place;
  /** @type {Record<string, string>} */
  const sentences = {
    waiting,
    admitted: "It is your turn. Opening the tickets.",
    paused: "The queue is paused. You keep your position.",
    scheduled: "The sale has not opened yet. You'll be let in automatically.",
    sold_out: "All tickets are sold.",
    ended: "The sale is over.",
    lost: note_text || "You lost your position.",
    challenge: "A short check runs automatically before you join.",
    cookieless: "Your browser does not keep cookies. You have no place yet.",
    elsewhere: "It is your turn. Continue in your other tab.",
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
    waiting: [mood === "next" ? "You are next" : `${place} in the queue`, mood === "next"],
    admitted: ["It is your turn", true],
    elsewhere: ["Your turn, in another tab", false],
    paused: [position ? `${place} in the queue, paused` : "The queue is paused", false],
    scheduled: ["Opens soon", false],
    sold_out: ["Sold out", true],
    lost: ["You lost your position", true],
    left: ["You left the queue", false],
    challenge: ["One check", false],
    ended: ["The sale is over", true],
  };
  const [text, calls] = titles[phase] ?? ["Waiting room", false];
  return `${calls && isHidden ? "● " : ""}${text} · ${event.name || "Surge"}`;
};
