// Checking tickets without a network: the list of valid tickets, and scans to send later.

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const EVENT_BYTES = 16;
const SIGNATURE_BYTES = 64;
const MAX_BATCH = 100;

/**
 * @typedef {{id: string, at: string, text?: string, ticket_id?: string}} Scan
 * @typedef {Scan & {gate: string}} PendingScan
 * @typedef {{at: string, gate: string}} CheckIn
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
 * The tickets of an event as last listed, and what is known of them since.
 * @returns an object whose `at` is the time of the list
 */
export const createTicketList = () => {
  let at = "";
  /** @type {Map<string, CheckIn | null>} by hash of the code; null is not checked in */
  let tickets = new Map();
  let requested = 0;
  /**
   * Check-ins that a list on its way may miss: `list` is the last that was requested before.
   * @type {{hash: string, checkIn: CheckIn, list: number}[]}
   */
  let recent = [];
  /**
   * @param {string} hash
   * @param {CheckIn} checkIn
   * @param {number} number
   */
  const enter = (hash, checkIn, number) => {
    if (!hash) return;
    tickets.set(hash, checkIn);
    recent.push({ hash, checkIn, list: number });
  };
  return {
    get at() {
      return at;
    },
    /** @returns the number of the list that is about to be requested */
    request: () => {
      requested += 1;
      return requested;
    },
    /**
     * Take a list as the API answers it, unless a newer one was requested since.
     * @param {number} number
     * @param {{at: string, tickets: [hash: string, at: string | null, gate: string][]}} answer
     * @param {PendingScan[]} pending not yet known to the server
     */
    take: async (number, answer, pending) => {
      const hashes = await Promise.all(pending.map(({ text }) => (text ? ticketHash(text) : "")));
      if (number !== requested) return;
      // From here on nothing waits, so that no scan comes between.
      tickets = new Map(
        answer.tickets.map(([hash, time, gate]) => [hash, time ? { at: time, gate } : null]),
      );
      pending.forEach(({ at: time, gate }, index) => {
        if (hashes[index]) tickets.set(hashes[index], { at: time, gate });
      });
      recent = recent.filter(({ list }) => list >= number);
      for (const { hash, checkIn } of recent) tickets.set(hash, checkIn);
      at = answer.at;
    },
    /**
     * Note that a ticket came in, as the server answered.
     * @param {string} text
     * @param {CheckIn} checkIn
     */
    note: async (text, checkIn) => {
      const number = requested;
      enter(await ticketHash(text), checkIn, number);
    },
    /**
     * Decide about a scan by the list alone, and note who was admitted.
     * @param {PendingScan} scan
     */
    check: async (scan) => {
      if (!scan.text) return { verdict: "by_hand", offline: true };
      const hash = await ticketHash(scan.text);
      const first = tickets.get(hash);
      if (first === undefined) return { verdict: "unlisted", offline: true };
      if (first) {
        return { verdict: "already", gate: first.gate, checked_in_at: first.at, offline: true };
      }
      enter(hash, { at: scan.at, gate: scan.gate }, requested);
      return { verdict: "admitted", offline: true };
    },
  };
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
