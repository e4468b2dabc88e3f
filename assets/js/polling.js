// Polling: ask, push the answer, wait as long as the server says, ask again.

import { showFailure } from "./backoff.js";

/** @type {import("./types").After} */
const afterTimeout = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};

/**
 * Milliseconds between two requests of a feed; fewer from a hidden tab.
 * @param {number} seconds
 */
export const feedPause = (seconds) =>
  (document.hidden ? 60 : seconds) * 1000 * (0.8 + 0.4 * Math.random());

/**
 * Send a message to the feed of this page.
 * @param {string} message
 */
export const sendToFeed = (message) => () => {
  window.dispatchEvent(new CustomEvent(`surge:${message}`));
};

/**
 * Poll until the returned function is called. Besides its own pace the feed asks at once when
 * the network, the page or the visitor comes back.
 * @param {import("./types").FeedOptions} options
 */
export const startFeed = (options) => {
  const { base, push, ask, take, fail = showFailure, after = afterTimeout, on = {} } = options;
  const over = new AbortController();
  let value = base;
  let failures = 0;
  /** @type {AbortController | null} */
  let asking = null;
  let cancel = () => {};
  let due = 0;
  /** @param {import("./types").FeedValue} patch */
  const put = (patch) => {
    if (over.signal.aborted) return;
    value = { ...value, ...patch };
    push(value);
  };
  /** @param {number | null} wait */
  const plan = (wait) => {
    cancel();
    due = wait === null ? Infinity : Date.now() + wait;
    cancel = wait === null ? () => {} : after(wait, () => run());
  };
  const halt = () => {
    asking?.abort();
    asking = null;
    plan(null);
  };
  const run = async ({ anew = false } = {}) => {
    if (over.signal.aborted || (asking && !anew)) return;
    halt();
    const mine = new AbortController();
    asking = mine;
    const answer = await ask(mine.signal, feed);
    if (asking !== mine || over.signal.aborted) return;
    asking = null;
    if (answer === null) return;
    const ok = answer.status >= 200 && answer.status < 300;
    failures = ok ? 0 : failures + 1;
    const [patch, wait] = ok ? take(answer, value, feed) : fail(answer, value, failures, feed);
    put(ok ? { offline: false, problem: "", ...patch } : patch);
    // `take` may have halted the feed for good, or asked anew.
    if (asking === null) plan(wait);
  };
  /** @type {import("./types").Feed} */
  const feed = { put, run, halt, get: () => value };
  /**
   * @param {EventTarget} target
   * @param {string} name
   * @param {(event: any) => void} handler
   */
  const listen = (target, name, handler) =>
    target.addEventListener(name, handler, { signal: over.signal });
  const back = () => {
    if (due !== Infinity || asking) run({ anew: true });
  };
  listen(document, "visibilitychange", () => {
    if (!document.hidden && (failures > 0 || Date.now() >= due)) back();
  });
  listen(document, "resume", back);
  listen(window, "online", back);
  listen(window, "offline", () => {
    if (due !== Infinity) put({ offline: true });
  });
  listen(window, "pageshow", (event) => {
    if (event.persisted) back();
  });
  listen(window, "surge:retry", () => run({ anew: true }));
  for (const [name, handler] of Object.entries(on)) {
    listen(window, name, (event) => handler(feed, event));
  }
  options.start?.(feed);
  run();
  return () => {
    over.abort();
    halt();
  };
};
