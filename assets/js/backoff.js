// How long to wait after a failure, and what to show meanwhile.

/**
 * Milliseconds until the next attempt. Jitter keeps a server that returns from being met by
 * every visitor at once; what the server asks for comes first.
 * @param {Pick<import("./types").Answer, "status" | "wait">} answer
 * @param {number} failures in a row, from 1
 * @param {() => number} [random]
 */
export const backoff = ({ status, wait }, failures, random = Math.random) =>
  status === 429
    ? Math.max(1, wait) * 1000 * (1 + random() / 2)
    : Math.max(wait * 1000, Math.min(12000, 1000 * 2 ** failures) * (0.5 + random()));

/**
 * Whether the connection counts as lost. On a phone one lost answer is common, and the next one
 * is a second away.
 * @param {Pick<import("./types").Answer, "status">} answer
 * @param {number} failures
 * @param {boolean} [isOnline]
 */
export const isConnectionLost = ({ status }, failures, isOnline = navigator.onLine) =>
  status === 0 && (failures > 1 || !isOnline);

/**
 * What a feed shows after a failure, and when it asks again.
 * @param {import("./types").Answer} answer
 * @param {import("./types").FeedValue} value
 * @param {number} failures
 * @returns {import("./types").Outcome}
 */
export const showFailure = (answer, value, failures) => {
  const wait = backoff(answer, failures);
  const problem = answer.body?.title ?? "";
  const isNew = ["loading", "crowded", "error"].includes(value.phase);
  if (answer.status === 404) return [{ phase: "missing", offline: false }, null];
  if (answer.status === 429) {
    return [{ phase: isNew ? "crowded" : value.phase, offline: false, problem }, wait];
  }
  if (answer.status === 0 && !isConnectionLost(answer, failures)) return [{}, wait];
  return [{ phase: isNew ? "error" : value.phase, offline: true, problem }, wait];
};
