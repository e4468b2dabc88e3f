import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { sendToFeed, startFeed } from "../../assets/js/polling.js";

let planned = [];
const after = (ms, then) => {
  const entry = { ms, then };
  planned.push(entry);
  return () => {
    planned = planned.filter((other) => other !== entry);
  };
};
const answer = (status, body = {}) => ({ status, body, wait: 0, skew: 0 });
const settled = () => new Promise((done) => setImmediate(done));

beforeEach(() => {
  planned = [];
  globalThis.window = new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
});

const start = (answers) => {
  const pushed = [];
  const end = startFeed({
    base: { phase: "loading" },
    push: (value) => pushed.push(value),
    ask: async () => answers.shift(),
    take: ({ body }) => [{ phase: "ready", ...body }, 5000],
    after,
  });
  return { pushed, end };
};

test("a feed pushes whole values and asks again after the pause it was given", async () => {
  const { pushed, end } = start([answer(200, { count: 1 }), answer(200, { count: 2 })]);
  await settled();
  assert.deepEqual(pushed.at(-1), { phase: "ready", count: 1, offline: false, problem: "" });
  assert.deepEqual(
    planned.map(({ ms }) => ms),
    [5000],
  );
  planned[0].then();
  await settled();
  assert.equal(pushed.at(-1).count, 2);
  end();
  assert.deepEqual(planned, []);
});

test("a feed asks at once when the network returns or the visitor presses", async () => {
  const { pushed, end } = start([
    answer(200),
    answer(200, { count: 2 }),
    answer(200, { count: 3 }),
  ]);
  await settled();
  window.dispatchEvent(new Event("online"));
  await settled();
  assert.equal(pushed.at(-1).count, 2);
  sendToFeed("retry")();
  await settled();
  assert.equal(pushed.at(-1).count, 3);
  end();
});

test("a missing page is not asked for again", async () => {
  const { pushed, end } = start([answer(404)]);
  await settled();
  assert.equal(pushed.at(-1).phase, "missing");
  assert.deepEqual(planned, []);
  end();
});
