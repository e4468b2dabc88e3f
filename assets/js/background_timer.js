// Timers that a hidden tab keeps, in a worker of our own. Where there is none, the browser's own
// are used, which a hidden tab slows down.

/** @typedef {{then: () => void, due: number, timer?: ReturnType<typeof setTimeout>}} Planned */

export const createTimer = () => {
  /** @type {Map<number, Planned>} */
  const planned = new Map();
  /** @type {Worker | null} */
  let worker = null;
  let last = 0;
  /** @param {number} id */
  const fire = (id) => {
    const then = planned.get(id)?.then;
    planned.delete(id);
    then?.();
  };
  /**
   * @param {number} id
   * @param {number} ms
   */
  const useOwnTimer = (id, ms) => {
    const entry = planned.get(id);
    if (entry) entry.timer = setTimeout(() => fire(id), ms);
  };
  try {
    worker = new Worker(new URL("./timer_worker.js", import.meta.url));
    worker.onmessage = ({ data }) => fire(data);
    worker.onerror = () => {
      worker = null;
      for (const [id, { due }] of planned) useOwnTimer(id, Math.max(0, due - Date.now()));
    };
  } catch {
    worker = null;
  }
  /** @type {import("./types").After} */
  const after = (ms, then) => {
    last += 1;
    const id = last;
    planned.set(id, { then, due: Date.now() + ms });
    if (worker) worker.postMessage({ id, ms });
    else useOwnTimer(id, ms);
    return () => {
      clearTimeout(planned.get(id)?.timer);
      planned.delete(id);
      worker?.postMessage({ id, ms: -1 });
    };
  };
  return { after, end: () => worker?.terminate() };
};
