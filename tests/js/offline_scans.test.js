import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkOffline,
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

test("a listed ticket is admitted once, and then known", async () => {
  const tickets = await createTicketList([[await ticketHash("A"), null, ""]], []);
  assert.equal((await checkOffline(tickets, scan("1", "A"))).verdict, "admitted");
  const again = await checkOffline(tickets, scan("2", "A", "West"));
  assert.deepEqual([again.verdict, again.gate], ["already", "East"]);
});

test("an unlisted ticket and a search by hand are not admitted without a network", async () => {
  const tickets = await createTicketList([], []);
  assert.equal((await checkOffline(tickets, scan("1", "B"))).verdict, "unlisted");
  assert.equal((await checkOffline(tickets, scan("2", ""))).verdict, "by_hand");
});

test("a new list still knows the scans that wait to be sent", async () => {
  const rows = [[await ticketHash("A"), null, ""]];
  const tickets = await createTicketList(rows, [scan("1", "A")]);
  assert.equal((await checkOffline(tickets, scan("2", "A"))).verdict, "already");
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
