// The browser's storage, which private windows and strict settings may refuse at any access.

/** @param {"local" | "session"} kind */
const open = (kind) => (kind === "local" ? localStorage : sessionStorage);

/** Whether what is stored outlasts the page: in place of a refused storage stands a memory. */
export const isKept = () => {
  try {
    return localStorage instanceof Storage;
  } catch {
    return false;
  }
};

/**
 * Read a value stored as JSON.
 * @template T
 * @param {string} key
 * @param {T} fallback returned for a missing, unreadable or refused value
 * @param {"local" | "session"} [kind]
 * @returns {T}
 */
export const load = (key, fallback, kind = "local") => {
  try {
    return JSON.parse(open(kind).getItem(key) ?? "null") ?? fallback;
  } catch {
    return fallback;
  }
};

/**
 * Store a value as JSON, if the browser allows it.
 * @param {string} key
 * @param {unknown} value
 * @param {"local" | "session"} [kind]
 */
export const save = (key, value, kind = "local") => {
  try {
    open(kind).setItem(key, JSON.stringify(value));
  } catch {
    // Everything works without; a reload then starts anew.
  }
};

/**
 * Where the receipt of a queue number is kept.
 * @param {string} slug
 */
export const receiptKey = (slug) => `surge-receipt-${slug}`;

/**
 * @typedef {object} QueueRecord
 * @property {number} [number]
 * @property {number} [position]
 * @property {number} [start] the first position this browser saw
 * @property {number} [at] when it was written
 * @property {number} [left] when the visitor left the queue
 * @property {number} [leaving] when a tab asked to leave and has no answer yet
 * @property {{pass: string | null | undefined, tab: string}} [entered] the tab that went in
 */

/**
 * What the tabs of one browser share about a queue, and what a tab finds after a reload.
 * @param {string} slug
 */
export const sharedQueue = (slug) => {
  const key = `surge-line-${slug}`;
  /** @returns {QueueRecord} */
  const read = () => load(key, {});
  /** @param {QueueRecord} patch */
  const write = (patch) => save(key, { ...read(), ...patch });
  return { key, read, write };
};
