// What the waiting room says to a screen reader, and in the title of its tab.

import { formatCount } from "./formatting.js";
import { gettext } from "./language.js";

/** @typedef {import("./types").FeedValue} FeedValue */

const NEAR = 10;
const NEAR_MS = 5000;
const FAR_MS = 60000;

/** @param {FeedValue} value */
const sentence = ({ phase, mood, position, note_text }) => {
  const place = gettext("Your position in the queue is {count}.", {
    count: formatCount(position),
  });
  const waiting =
    mood === "next"
      ? gettext("You are next.")
      : mood === "held"
        ? `${place} ${gettext("All remaining tickets are in other people's checkouts.")}`
        : place;
  /** @type {Record<string, string>} */
  const sentences = {
    waiting,
    admitted: gettext("It is your turn. Opening the tickets."),
    paused: gettext("The queue is paused. You keep your position."),
    scheduled: gettext("The sale has not opened yet. You'll be let in automatically."),
    sold_out: gettext("All tickets are sold."),
    ended: gettext("The sale is over."),
    lost: note_text || gettext("You lost your position."),
    challenge: gettext("A short check runs automatically before you join."),
    cookieless: gettext("Your browser does not keep cookies. You have no place yet."),
    left: gettext("You left the queue"),
    moved: gettext("Your place is on your other device"),
    elsewhere: gettext("It is your turn. Continue in your other tab."),
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
  const count = formatCount(position);
  /** @type {Record<string, [string, boolean]>} */
  const titles = {
    waiting: [
      mood === "next" ? gettext("You are next") : gettext("{count} in the queue", { count }),
      mood === "next",
    ],
    admitted: [gettext("It is your turn"), true],
    elsewhere: [gettext("Your turn, in another tab"), false],
    paused: [
      position
        ? gettext("{count} in the queue, paused", { count })
        : gettext("The queue is paused"),
      false,
    ],
    scheduled: [gettext("Opens soon"), false],
    sold_out: [gettext("Sold out"), true],
    lost: [gettext("You lost your position"), true],
    left: [gettext("You left the queue"), false],
    challenge: [gettext("One check"), false],
    ended: [gettext("The sale is over"), true],
  };
  const [text, calls] = titles[phase] ?? [gettext("Waiting room"), false];
  return `${calls && isHidden ? "● " : ""}${text} · ${event.name || "Surge"}`;
};
