import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { canSave, forgetTickets, isWanted, saveTickets } from "../../assets/js/ticket_copies.js";

const stored = new Map();
const kept = new Map();
let answer = () => new Response("tickets");
const pathOf = (key) => key.url ?? key;
const copies = {
  addAll: async (paths) => {
    for (const path of paths) stored.set(path, new Response(path));
  },
  delete: async (key) => stored.delete(pathOf(key)),
  keys: async () => [...stored.keys()].map((url) => ({ url })),
  match: async (key) => stored.get(pathOf(key)),
  put: async (key, response) => stored.set(key, response),
};
const registered = [];
const container = {
  ready: Promise.resolve(),
  register: async (path, { scope }) => registered.push([path, scope]),
};
Object.defineProperty(globalThis, "navigator", {
  value: { serviceWorker: container },
  configurable: true,
});
globalThis.caches = { open: async () => copies };
globalThis.localStorage = {
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
};
globalThis.fetch = async (path) => answer(path);

beforeEach(() => {
  stored.clear();
  kept.clear();
  answer = () => new Response("tickets");
});

test("the tickets are saved with what their page loads", async () => {
  assert.ok(canSave());
  assert.ok(await saveTickets("SRG-1"));
  assert.deepEqual(registered.at(-1), ["/js/ticket_worker.js", "/bookings/"]);
  assert.ok(stored.has("/bookings/SRG-1"));
  assert.ok(stored.has("/surge.css"));
});

test("forgotten tickets stay forgotten until their holder asks again", async () => {
  await saveTickets("SRG-1");
  await saveTickets("SRG-2");
  await forgetTickets("SRG-1");
  assert.ok(!stored.has("/bookings/SRG-1"));
  assert.ok(stored.has("/bookings/SRG-2"));
  assert.deepEqual([isWanted("SRG-1"), isWanted("SRG-2")], [false, true]);
  await saveTickets("SRG-1");
  assert.ok(isWanted("SRG-1"));
});

test("a cancelled booking is forgotten, and a fault of the server keeps the copy", async () => {
  await saveTickets("SRG-1");
  answer = () => new Response("fault", { status: 500 });
  await assert.rejects(saveTickets("SRG-1"));
  assert.ok(stored.has("/bookings/SRG-1"));
  answer = () => new Response("none", { status: 404 });
  assert.equal(await saveTickets("SRG-1"), false);
  assert.ok(!stored.has("/bookings/SRG-1"));
});

test("copies that are out of date go when another is saved", async () => {
  const expires = new Date(Date.now() - 1000).toUTCString();
  stored.set("/bookings/SRG-0", new Response("old", { headers: { expires } }));
  await saveTickets("SRG-1");
  assert.ok(!stored.has("/bookings/SRG-0"));
});
