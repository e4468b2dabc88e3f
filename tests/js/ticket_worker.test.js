import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const ORIGIN = "https://tickets.example";
const listeners = {};
const stored = new Map();
let network = async () => new Response("live");

const path = (key) => new URL(key.url ?? key, ORIGIN).pathname;
const cache = { delete: async (key) => stored.delete(path(key)) };
globalThis.caches = {
  open: async () => cache,
  match: async (key) => stored.get(path(key))?.clone(),
};
globalThis.self = {
  location: { origin: ORIGIN },
  addEventListener: (name, listener) => {
    listeners[name] = listener;
  },
};
globalThis.fetch = (request) => network(request);
await import("../../assets/js/ticket_worker.js");

/** Send a request to the worker; undefined if it leaves the answer to the browser. */
const send = (address, { mode = "navigate", method = "GET" } = {}) => {
  let answer;
  const request = { url: `${ORIGIN}${address}`, mode, method };
  listeners.fetch({
    request,
    respondWith: (given) => {
      answer = given;
    },
  });
  return answer;
};
const offline = async () => {
  throw new TypeError("Failed to fetch");
};
const textOf = async (answer) => (await answer).text();

beforeEach(() => {
  stored.clear();
  network = async () => new Response("live");
});

test("the network comes first, and a copy only where there is none", async () => {
  stored.set("/bookings/SRG-1", new Response("copy"));
  assert.equal(await textOf(send("/bookings/SRG-1")), "live");
  network = offline;
  assert.equal(await textOf(send("/bookings/SRG-1")), "copy");
  assert.equal(await textOf(send("/bookings/SRG-1?token=abc")), "copy");
  network = async () => new Response("bad gateway", { status: 502 });
  assert.equal(await textOf(send("/bookings/SRG-1/")), "copy");
});

test("a booking without a copy fails as it does without a worker", async () => {
  network = offline;
  await assert.rejects(send("/bookings/SRG-2"), TypeError);
});

test("a revoked link forgets the copy, and a busy server does not", async () => {
  stored.set("/bookings/SRG-1", new Response("copy"));
  network = async () => new Response("busy", { status: 503 });
  assert.equal(await textOf(send("/bookings/SRG-1")), "copy");
  network = async () => new Response("none", { status: 404 });
  assert.equal((await send("/bookings/SRG-1")).status, 404);
  network = offline;
  await assert.rejects(send("/bookings/SRG-1"), TypeError);
});

test("a copy that is out of date is never shown", async () => {
  const expires = new Date(Date.now() - 1000).toUTCString();
  stored.set("/bookings/SRG-1", new Response("copy", { headers: { expires } }));
  network = offline;
  await assert.rejects(send("/bookings/SRG-1"), TypeError);
});

test("stock, queue, tickets and everything that is sent pass it by", () => {
  for (const address of ["/events/gala", "/queue/gala", "/book/gala", "/bookings"]) {
    assert.equal(send(address), undefined, address);
  }
  for (const address of [
    "/api/events/gala",
    "/api/queue/gala",
    "/bookings/SRG-1/tickets?saved=1",
  ]) {
    assert.equal(send(address, { mode: "cors" }), undefined, address);
  }
  assert.equal(send("/bookings/SRG-1", { method: "POST" }), undefined);
  assert.notEqual(send("/surge.css", { mode: "no-cors" }), undefined);
});
