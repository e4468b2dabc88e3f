// Checking tickets without a network: the list of valid tickets, and scans to send later.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const EVENT_BYTES = 16;
const SIGNATURE_BYTES = 64;
const MAX_BATCH = 100;

/**
 * @typedef {{id: string, at: string, text?: string, ticket_id?: string}} Scan
 * @typedef {Scan & {gate: string}} PendingScan
 * @typedef {{at: string, gate: string}} CheckIn
 * @typedef {Map<string, CheckIn | null>} TicketList by hash of the code; null is not checked in
 */

/** @param {string} text base32 without padding */
const decodeBase32 = (text) => {
  const bytes = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    value = (value << 5) | ALPHABET.indexOf(letter);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 255);
      value &= (1 << bits) - 1;
    }
  }
  return bytes;
};

/**
 * The code inside a signed text: what lies between the event's bytes and the signature's.
 * @param {string} text
 */
export const ticketCode = (text) => {
  const parts = text.trim().split(".");
  if (parts.length !== 3 || parts[0].toUpperCase() !== "SRG1") return text.trim();
  const bytes = decodeBase32(parts[2].toUpperCase());
  return String.fromCharCode(...bytes.slice(EVENT_BYTES, -SIGNATURE_BYTES));
};

/**
 * What the list knows a ticket by: it holds no codes. Empty where a browser computes no digests,
 * as on plain http.
 * @param {string} text
 */
export const ticketHash = async (text) => {
  if (!crypto.subtle) return "";
  const bytes = new TextEncoder().encode(ticketCode(text));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const base64 = btoa(String.fromCharCode(...digest.slice(0, 12)));
  return base64.replaceAll("+", "-").replaceAll("/", "_");
};

/**
 * @param {[hash: string, at: string | null, gate: string][]} rows as the API lists them
 * @param {PendingScan[]} pending not yet known to the server
 * @returns {Promise<TicketList>}
 */
export const createTicketList = async (rows, pending) => {
  /** @type {TicketList} */
  const tickets = new Map(rows.map(([hash, at, gate]) => [hash, at ? { at, gate } : null]));
  for (const { text, at, gate } of pending) {
    if (text) await noteCheckIn(tickets, text, { at, gate });
  }
  return tickets;
};

/**
 * Note in the list that a ticket came in.
 * @param {TicketList} tickets
 * @param {string} text
 * @param {CheckIn} checkIn
 */
export const noteCheckIn = async (tickets, text, checkIn) => {
  const hash = await ticketHash(text);
  if (hash) tickets.set(hash, checkIn);
};

/**
 * Decide about a scan by the list alone, and note in it who was admitted.
 * @param {TicketList} tickets
 * @param {PendingScan} scan
 */
export const checkOffline = async (tickets, scan) => {
  if (!scan.text) return { verdict: "by_hand", offline: true };
  const hash = await ticketHash(scan.text);
  const first = tickets.get(hash);
  if (first === undefined) return { verdict: "unlisted", offline: true };
  if (first) {
    return { verdict: "already", gate: first.gate, checked_in_at: first.at, offline: true };
  }
  tickets.set(hash, { at: scan.at, gate: scan.gate });
  return { verdict: "admitted", offline: true };
};

/**
 * The next scans to send: those of one entrance, whose name may have been changed since.
 * @param {PendingScan[]} pending
 */
export const nextBatch = (pending) =>
  pending.filter((scan) => scan.gate === pending[0].gate).slice(0, MAX_BATCH);

/**
 * @param {PendingScan[]} pending
 * @param {PendingScan[]} sent
 */
export const withoutSent = (pending, sent) => {
  const done = new Set(sent.map((scan) => scan.id));
  return pending.filter((scan) => !done.has(scan.id));
};
