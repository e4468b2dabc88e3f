import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createTicketList,
  nextBatch,
  ticketCode,
  ticketHash,
  withoutSent,
} from "../../assets/js/offline_scans.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Base32 of the event's 16 bytes, the code, and a signature of 64. */
const signed = (code) => {
  const bytes = [...new Uint8Array(16), ...new TextEncoder().encode(code), ...new Uint8Array(64)];
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const letters = bits.match(/.{1,5}/g).map((part) => ALPHABET[parseInt(part.padEnd(5, "0"), 2)]);
  return `SRG1.1.${letters.join("")}`;
};
const scan = (id, text, gate = "East") => ({ id, at: `2027-01-01T00:00:0${id}Z`, text, gate });

test("a code is read out of the signed text, and a bare code is itself", () => {
  assert.equal(ticketCode(signed("T-ABC123")), "T-ABC123");
  assert.equal(ticketCode(` ${signed("T-ABC123").toLowerCase()} `.toLowerCase()), "T-ABC123");
  assert.equal(ticketCode(" T-ABC123 "), "T-ABC123");
});

/** The answer of the API with tickets by code, each null or checked in at a gate. */
const answer = async (codes) => ({
  at: "2027-01-01T00:00:00Z",
  tickets: await Promise.all(
    Object.entries(codes).map(async ([code, gate]) => [
      await ticketHash(code),
      gate && "2027-01-01T00:00:00Z",
      gate ?? "",
    ]),
  ),
});
const listOf = async (codes, pending = []) => {
  const list = createTicketList();
  await list.take(list.request(), await answer(codes), pending);
  return list;
};
const checkIn = { at: "2027-01-01T00:00:09Z", gate: "North" };
const verdict = async (list, code) => (await list.check(scan("7", code))).verdict;

test("a listed ticket is admitted once, and then known", async () => {
  const list = await listOf({ A: null });
  assert.equal(await verdict(list, "A"), "admitted");
  const again = await list.check(scan("2", "A", "West"));
  assert.deepEqual([again.verdict, again.gate], ["already", "East"]);
});

test("an unlisted ticket and a search by hand are not admitted without a network", async () => {
  const list = await listOf({});
  assert.equal(await verdict(list, "B"), "unlisted");
  assert.equal(await verdict(list, ""), "by_hand");
});

test("a new list still knows the scans that wait to be sent", async () => {
  const list = await listOf({ A: null }, [scan("1", "A")]);
  assert.equal(await verdict(list, "A"), "already");
});

test("a list knows what came in after it was requested, but not what was undone before", async () => {
  const list = await listOf({ A: null, B: null });
  await list.note("A", checkIn);
  const late = list.request();
  await list.note("B", checkIn);
  await list.take(late, await answer({ A: null, B: null }), []);
  assert.equal(await verdict(list, "A"), "admitted");
  assert.equal(await verdict(list, "B"), "already");
});

test("an older list changes nothing, whether the newer one came or not", async () => {
  const list = await listOf({ A: null });
  const older = list.request();
  await list.note("A", checkIn);
  const newer = list.request();
  await list.take(older, await answer({ A: null }), []);
  assert.equal(await verdict(list, "A"), "already");
  await list.take(newer, await answer({ A: "North" }), []);
  await list.take(older, await answer({ A: null }), []);
  assert.equal(await verdict(list, "A"), "already");
});

test("what comes in while a list is being taken is in it", async () => {
  const list = await listOf({ A: null, B: null });
  const rows = await answer({ A: null, B: null, C: null });
  const taken = list.take(list.request(), rows, [scan("1", "C")]);
  const scans = [list.check(scan("2", "A")), list.note("B", checkIn)];
  await Promise.all([taken, ...scans]);
  for (const code of ["A", "B", "C"]) assert.equal(await verdict(list, code), "already");
});

test("scans are sent an entrance at a time, in order, and removed once sent", () => {
  const pending = [scan("1", "A"), scan("2", "B", "West"), scan("3", "C")];
  const batch = nextBatch(pending);
  assert.deepEqual(
    batch.map(({ id }) => id),
    ["1", "3"],
  );
  assert.deepEqual(withoutSent(pending, batch), [pending[1]]);
  const many = Array.from({ length: 250 }, (_, index) => scan(String(index), "A"));
  assert.equal(nextBatch(many).length, 100);
});
