import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createPublicQueue, estimateAt, oddsAt, setBefore } from "../../assets/js/public_queue.js";

const signal = new AbortController().signal;
let served = {};
let asked = [];

beforeEach(() => {
  asked = [];
});

const read = async (tail) => {
  asked.push(tail);
  const body = served[tail];
  return { status: body ? 200 : (served.status ?? 404), body: body ?? {}, wait: 0, skew: 0 };
};

const bitsOf = (...places) => {
  const bytes = new Uint8Array(1024);
  for (const place of places) bytes[place >> 3] |= 0x80 >> (place & 7);
  return btoa(String.fromCharCode(...bytes));
};
const view = (changes = {}) => ({
  state: "waiting",
  start: 0,
  waiting: 6000,
  available: 5,
  held: 1,
  message: "",
  note: null,
  note_text: null,
  opens_at_ms: null,
  order: { rule: "fifo", early: null },
  personal_below: 100,
  retry_after_ms: 12000,
  eta_seconds: [
    [0, 1, 2],
    [10000, 101, 202],
  ],
  blocks: { size: 8192, first: 0, ahead: [0, 5000, 6000] },
  ...changes,
});
const block = { bits: bitsOf(1, 3, 8) };
const personal = (body = {}) => ({
  status: 200,
  body: {
    state: "waiting",
    ahead: 5002,
    number: 8200,
    waiting: 6000,
    personal_below: 100,
    ...body,
  },
});

test("bits are counted before one that is set", () => {
  const bits = Uint8Array.from([0b01010000, 0b10000000]);
  assert.deepEqual(
    [1, 3, 8, 0, 2, 99].map((at) => setBefore(bits, at)),
    [0, 1, 2, null, null, null],
  );
});

test("an estimate lies between the two that are published, and ends with the last", () => {
  const points = [
    [0, 10, 20],
    [100, 110, 220],
  ];
  assert.deepEqual(estimateAt(points, 50), { low: 60, high: 120 });
  assert.deepEqual(estimateAt(points, 100), { low: 110, high: 220 });
  assert.equal(estimateAt(points, 101), null);
  assert.equal(estimateAt([], 1), null);
});

test("far from the head the position comes from the public documents", async () => {
  served = { public: view(), "public/8192-1": block };
  const queue = createPublicQueue(read);
  assert.equal(await queue.ask(signal, 8200), null);
  queue.follow(personal());
  const answer = await queue.ask(signal, 8200);
  assert.equal(answer.body.position, 5003);
  assert.equal(answer.body.ahead, 5002);
  assert.deepEqual(answer.body.eta_seconds, { low: 51, high: 102 });
  assert.ok(answer.body.retry_after_ms >= 12000);
  assert.deepEqual(asked, ["public", "public/8192-1"]);
});

test("a jump of the head leads back to the server at once", async () => {
  served = { public: view(), "public/8192-1": block };
  const queue = createPublicQueue(read);
  queue.follow(personal());
  await queue.ask(signal, 8200);
  served.public = view({ blocks: { size: 8192, first: 0, ahead: [0, 90, 1000] } });
  assert.equal(await queue.ask(signal, 8200), null);
  asked = [];
  assert.equal(await queue.ask(signal, 8200), null);
  assert.deepEqual(asked, []);
});

test("a visitor who does not wait any more asks the server", async () => {
  served = { public: view(), "public/8192-1": { bits: bitsOf(1, 3) } };
  const queue = createPublicQueue(read);
  queue.follow(personal());
  assert.equal(await queue.ask(signal, 8200), null);
});

test("a part that a cache kept from before is read again until it fits the snapshot", async (context) => {
  context.mock.timers.enable({ apis: ["Date"] });
  const blocks = (count) => ({ size: 8192, first: 0, ahead: [0, 5000, 5000 + count] });
  const queue = createPublicQueue(read);
  queue.follow(personal());
  served = { public: view({ blocks: blocks(3) }), "public/8192-1": block };
  assert.equal((await queue.ask(signal, 8200)).body.ahead, 5002);
  served.public = view({ blocks: blocks(2) });
  for (const _ of "12") {
    context.mock.timers.tick(31000);
    asked = [];
    await queue.ask(signal, 8200);
    assert.deepEqual(asked, ["public", "public/8192-1"]);
  }
  served["public/8192-1"] = { bits: bitsOf(3, 8) };
  context.mock.timers.tick(31000);
  assert.equal((await queue.ask(signal, 8200)).body.ahead, 5001);
  asked = [];
  context.mock.timers.tick(31000);
  await queue.ask(signal, 8200);
  assert.deepEqual(asked, ["public"]);
});

test("a queue that was opened again is asked personally, not by everyone at once", async () => {
  served = { public: view(), "public/8192-1": block };
  const queue = createPublicQueue(read);
  queue.follow(personal());
  await queue.ask(signal, 8200);
  served.public = view({ start: 100000, waiting: 0 });
  const answer = await queue.ask(signal, 8200);
  assert.equal(answer.body.position, 5003);
  assert.ok(answer.body.retry_after_ms >= 1000);
  assert.equal(await queue.ask(signal, 8200), null);
});

test("a drawn order leads from the number to its position", async () => {
  const order = { rule: "random", early: 9000 };
  const positions = new Array(1024).fill(0);
  positions[8200 - 1 - 8 * 1024] = 8195;
  served = {
    public: view({ order }),
    "public/8192-1": block,
    "positions/8": { positions: positions.slice(0, 1024) },
  };
  const queue = createPublicQueue(read);
  queue.follow(personal());
  assert.equal((await queue.ask(signal, 8200)).body.position, 5002);
});

test("before the draw a long queue needs no personal poll, and a short one does", async () => {
  const opens_at_ms = Date.now() + 60000;
  const order = { rule: "random", early: null };
  served = { public: view({ state: "scheduled", opens_at_ms, order }) };
  const queue = createPublicQueue(read);
  queue.follow(personal({ state: "scheduled", ahead: null }));
  const { body } = await queue.ask(signal, 8200);
  assert.deepEqual([body.state, body.position], ["scheduled", null]);
  assert.ok(body.opens_in_ms > 50000);
  served = { public: view({ state: "scheduled", waiting: 50, opens_at_ms, order }) };
  assert.equal(await queue.ask(signal, 8200), null);
  queue.follow(personal({ state: "scheduled", ahead: null, waiting: 50 }));
  assert.equal(await queue.ask(signal, 8200), null);
});

test("sold out and paused arrive on the public way, and near the head the server is asked", async () => {
  served = { public: view({ state: "sold_out" }), "public/8192-1": block };
  const queue = createPublicQueue(read);
  queue.follow(personal());
  assert.equal((await queue.ask(signal, 8200)).body.state, "sold_out");
  served.public = view({ state: "paused" });
  assert.equal((await queue.ask(signal, 8200)).body.state, "paused");
  served.public = view({ state: "sold_out", personal_below: 5500 });
  assert.equal(await queue.ask(signal, 8200), null);
  // The queue is long, but this visitor is near its head: no going back and forth.
  queue.follow(personal({ state: "sold_out", ahead: null, personal_below: 5500 }));
  assert.equal(await queue.ask(signal, 8200), null);
});

test("a snapshot that cannot be read is tried again, then the server is asked", async () => {
  served = {};
  const queue = createPublicQueue(read);
  queue.follow(personal());
  assert.equal(await queue.ask(signal, 8200), null);
  served = { status: 503 };
  queue.follow(personal());
  assert.equal((await queue.ask(signal, 8200)).status, 503);
});

test("a part that cannot be read is tried again, and one that is given up counts for nothing", async () => {
  const queue = createPublicQueue(read);
  queue.follow(personal());
  served = { public: view(), status: 503 };
  for (const _ of "12") assert.equal((await queue.ask(signal, 8200)).status, 503);
  served = { public: view(), "public/8192-1": block };
  assert.equal((await queue.ask(signal, 8200)).body.position, 5003);
  queue.follow(personal({ number: 100 }));
  served = { public: view(), status: 0 };
  for (const _ of "1234") assert.equal((await queue.ask(AbortSignal.abort(), 100)).status, 0);
  for (const _ of "12") assert.equal((await queue.ask(signal, 100)).status, 0);
  assert.equal(await queue.ask(signal, 100), null);
});

test("far from the head the chance lies between the two points around it", () => {
  const points = [
    [50, 0.9],
    [100, 0.5],
    [300, 0.1],
  ];
  assert.equal(oddsAt(points, 49), null);
  assert.equal(oddsAt(points, 50), 0.9);
  assert.equal(oddsAt(points, 200), 0.3);
  assert.equal(oddsAt(points, 900), 0.1);
  assert.equal(oddsAt([], 5), null);
});
