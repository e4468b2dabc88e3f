// Timers that keep their pace while the page is hidden: browsers slow the timers of a hidden
// page down to one a minute, but not those of its worker.
// In: {id, ms}; ms below 0 cancels the timer. Out: the id, when its time has come.

/** @type {Map<number, ReturnType<typeof setTimeout>>} */
const timers = new Map();

addEventListener("message", ({ data: { id, ms } }) => {
  clearTimeout(timers.get(id));
  timers.delete(id);
  if (ms < 0) return;
  const done = () => {
    timers.delete(id);
    postMessage(id);
  };
  timers.set(id, setTimeout(done, ms));
});
