// Far from the head, a page computes its position from documents that any cache may serve, and
// never asks for itself. The server says from which position on they suffice.

/**
 * @typedef {import("./types").Answer} Answer
 * @typedef {{size: number, first: number, ahead: number[]}} Blocks
 * @typedef {{size: number, index: number, count: number, at: number, bits: Uint8Array}} Block
 */

// A visitor who left changes the position by one; that is soon enough.
const BLOCK_MS = 30000;
const JITTER = 0.25;
const OPENING_MS = 8000;
// After a restart of the queue, those at its head come back first, at most 2,500 a second.
const RETURN_MS_PER_VISITOR = 0.4;
const MAX_RETURN_MS = 240000;
const MAX_FAILURES = 2;
const POSITIONS = 1024;

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** @param {number} byte */
const ones = (byte) => {
  let count = 0;
  for (let rest = byte; rest; rest &= rest - 1) count += 1;
  return count;
};

/** @param {Uint8Array} bits */
const onesIn = (bits) => bits.reduce((count, byte) => count + ones(byte), 0);

/**
 * How many bits are set before one; null if that one is not set.
 * @param {Uint8Array} bits the first of a byte is its highest
 * @param {number} at
 */
export const setBefore = (bits, at) => {
  const last = bits[at >> 3] ?? 0;
  const shift = 7 - (at & 7);
  if (((last >> shift) & 1) === 0) return null;
  const count = ones(last >> (shift + 1));
  return count + onesIn(bits.subarray(0, at >> 3));
};

/**
 * The estimate between two of those that are published.
 * @param {[number, number, number][]} points visitors ahead, and the ends of their estimate
 * @param {number} ahead
 */
export const estimateAt = (points, ahead) => {
  const next = points.findIndex(([at]) => at >= ahead);
  const right = points[next];
  if (!right) return null;
  const left = points[next - 1] ?? right;
  const part = right[0] === left[0] ? 0 : (ahead - left[0]) / (right[0] - left[0]);
  const between = (/** @type {1 | 2} */ end) =>
    Math.round(left[end] + part * (right[end] - left[end]));
  return { low: between(1), high: between(2) };
};

/**
 * The chance for so many ahead; null before the first of the published points, where it is sure.
 * @param {[number, number][]} points visitors ahead, and the chance that a ticket is left for them
 * @param {number} ahead
 */
export const oddsAt = (points, ahead) => {
  const next = points.findIndex(([at]) => at > ahead);
  const left = next < 0 ? points.at(-1) : points[next - 1];
  if (!left) return null;
  const right = points[next] ?? left;
  const part = right[0] === left[0] ? 0 : (ahead - left[0]) / (right[0] - left[0]);
  return left[1] + part * (right[1] - left[1]);
};

/**
 * @param {(tail: string, signal: AbortSignal) => Promise<Answer>} read requests a path below the
 *   queue's, without cookies
 */
export const createPublicQueue = (read) => {
  let suffices = false;
  let failures = 0;
  /** @type {number | null} */
  let start = null;
  /** The state in which the public snapshot has said that the head is near. */
  let nearIn = "";
  /** @type {Block | null} */
  let block = null;
  /** @type {{index: number, positions: number[]} | null} */
  let drawn = null;
  let last = {};

  /**
   * The position in the whole order, which is the number unless the order was drawn.
   * @param {Answer["body"]} view
   * @param {number} number
   * @param {AbortSignal} signal
   */
  const orderOf = async (view, number, signal) => {
    if (view.order.rule !== "random" || number > (view.order.early ?? 0)) return number;
    const index = Math.floor((number - 1) / POSITIONS);
    if (drawn?.index !== index) {
      const answer = await read(`positions/${index}`, signal);
      if (answer.status !== 200) return answer;
      drawn = { index, positions: answer.body.positions };
    }
    return drawn.positions[(number - 1) % POSITIONS] ?? null;
  };

  /**
   * How many are ahead; null if only the server knows, or the answer that was no document.
   * @param {Answer["body"]} view
   * @param {number} number
   * @param {AbortSignal} signal
   * @returns {Promise<number | Answer | null>}
   */
  const aheadOf = async (view, number, signal) => {
    if (view.state === "scheduled" && view.order.rule === "random") return view.waiting - 1;
    const at = await orderOf(view, number, signal);
    if (typeof at !== "number") return at;
    /** @type {Blocks} */
    const { size, first, ahead } = view.blocks;
    const index = Math.floor(at / size);
    const before = ahead[index - first];
    const after = ahead[index - first + 1];
    if (before === undefined || after === undefined) return null;
    const count = after - before;
    const isKnown = block?.index === index && block.size === size;
    const isOld = !block || (block.count !== count && Date.now() - block.at > BLOCK_MS);
    if (!isKnown || isOld) {
      const answer = await read(`public/${size}-${index}`, signal);
      if (answer.status !== 200) return answer;
      const bits = fromBase64(answer.body.bits);
      // A cache may have kept it from before the snapshot, so it has a count of its own.
      block = { size, index, count: onesIn(bits), at: Date.now(), bits };
    }
    const inBlock = block && setBefore(block.bits, at % size);
    if (inBlock === null) {
      block = null;
      return null;
    }
    return before + Math.min(inBlock, Math.max(0, count - 1));
  };

  /** Ask the server itself from now on. */
  const leave = () => {
    suffices = false;
    return null;
  };

  /**
   * Try again, for a while, what could not be read; what was given up counts for nothing.
   * @param {Answer} answer
   * @param {AbortSignal} signal
   */
  const retry = (answer, signal) => {
    if (signal.aborted) return answer;
    failures += 1;
    return answer.status === 404 || failures > MAX_FAILURES ? leave() : answer;
  };

  /**
   * Follow what the server answers to this visitor.
   * @param {Answer | null} answer
   */
  const follow = (answer) => {
    if (answer?.status !== 200 || answer.isPublic) return answer;
    const { state, ahead, number, waiting = 0, personal_below: below } = answer.body;
    if (state !== nearIn) nearIn = "";
    // Without positions, it is known only that the queue is long.
    const isLong = ["scheduled", "sold_out"].includes(state) && !nearIn && waiting > below;
    suffices = number > 0 && below !== null && (isLong || (ahead ?? -1) >= below);
    last = answer.body;
    return answer;
  };

  /**
   * Answer from the public snapshot; null where the server has to be asked.
   * @param {AbortSignal} signal
   * @param {number} number
   * @returns {Promise<Answer | null>}
   */
  const ask = async (signal, number) => {
    if (!suffices) return null;
    const answer = await read("public", signal);
    if (answer.status !== 200) return retry(answer, signal);
    const view = answer.body;
    if (start !== null && view.start !== start) {
      const spread = (view.waiting + number) * RETURN_MS_PER_VISITOR * Math.random();
      start = view.start;
      leave();
      const retry_after_ms = 1000 + Math.min(MAX_RETURN_MS, spread);
      return { ...answer, isPublic: true, body: { ...last, retry_after_ms } };
    }
    start = view.start;
    const ahead = view.state === "ended" ? null : await aheadOf(view, number, signal);
    if (typeof ahead === "object" && ahead) return retry(ahead, signal);
    failures = 0;
    if (ahead === null || ahead < (view.personal_below ?? Infinity)) {
      nearIn = view.state;
      return leave();
    }
    const hasPosition = ["waiting", "paused"].includes(view.state);
    const pause = view.retry_after_ms * (1 + JITTER * Math.random());
    const opensIn =
      view.opens_at_ms === null ? null : Math.max(0, view.opens_at_ms - Date.now() - answer.skew);
    const atOpening = Math.max(1000, opensIn ?? pause) + OPENING_MS * Math.random();
    last = {
      ...view,
      number,
      position: hasPosition ? ahead + 1 : null,
      ahead: hasPosition ? ahead : null,
      eta_seconds: estimateAt(view.eta_seconds, ahead),
      odds: hasPosition ? oddsAt(view.odds ?? [], ahead) : null,
      opens_in_ms: opensIn,
      pass_expires_at: null,
      retry_after_ms: opensIn && opensIn < pause ? atOpening : pause,
    };
    return { ...answer, isPublic: true, body: last };
  };

  return { follow, ask };
};
