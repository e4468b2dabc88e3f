// Checks the public log of a queue as `log_verification.py` does; both have the same tests:
// tests/unit/waiting_room/queue_logs.json. Only the browser's own cryptography is used.

/**
 * @typedef {Record<string, number | string>} Values
 * @typedef {{line: number, code: string, values: Values}} LogProblem
 * @typedef {{at_ms: number, code: string, values: Values}} LogEvent
 * @typedef {{event: string, number: number, at_ms: number}} Receipt
 * @typedef {Map<string, CryptoKey>} Keys
 */

const STEP = /^([csrld])([0-9]{1,10})(?:-([0-9]{1,10}))?$/;
const MAX_POSITIONS = 100_000_000;
const MAX_PROBLEMS = 50;
// The log is written once a minute, and clocks differ.
const RECEIPT_DELAY_MS = 300_000;
const DOCUMENT = "SRGD1.";
const HASHES_AT_ONCE = 2000;
const ED25519 = { name: "Ed25519" };

/** @param {string} text */
const bytesOf = (text) => new TextEncoder().encode(text);

/** @param {string} text */
const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(text)));

/** @param {string} text */
const hexSha256 = async (text) =>
  Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * The bytes of a text in base64url, null for any other spelling of them.
 * @param {string} text
 */
const fromBase64Url = (text) => {
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const again = btoa(raw).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    return again === text ? Uint8Array.from(raw, (letter) => letter.charCodeAt(0)) : null;
  } catch {
    return null;
  }
};

/**
 * Whether this browser checks signatures: plain http and browsers before 2025 do not.
 */
export const canVerify = async () => {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), ED25519, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
};

/**
 * The public keys of a JWK set by their ids.
 * @param {{keys: {kid: string, x: string}[]}} set
 * @returns {Promise<Keys>}
 */
export const readKeys = async ({ keys }) => {
  /** @type {Keys} */
  const known = new Map();
  for (const { kid, x } of keys) {
    const raw = fromBase64Url(x) ?? new Uint8Array();
    known.set(kid, await crypto.subtle.importKey("raw", raw, ED25519, false, ["verify"]));
  }
  return known;
};

/** @param {string} line */
const split = (line) => {
  const at = line.lastIndexOf(" ");
  return at < 0 ? ["", line] : [line.slice(0, at), line.slice(at + 1)];
};

/**
 * @param {string} document
 * @param {string} signature
 * @param {Keys} keys
 */
const isSigned = async (document, signature, keys) => {
  const [id = "", encoded = ""] = signature.split(/\.(.*)/s);
  const key = keys.get(id);
  const signed = fromBase64Url(encoded);
  if (!key || !signed) return false;
  return crypto.subtle.verify(ED25519, key, signed, bytesOf(DOCUMENT + document));
};

/**
 * A receipt, null if it is not genuine.
 * @param {string} text
 * @param {Keys} keys
 * @returns {Promise<Receipt | null>}
 */
export const readReceipt = async (text, keys) => {
  const [document = "", signature = ""] = split(text.trim());
  if (!(await isSigned(document, signature, keys))) return null;
  const { event, number, at_ms } = JSON.parse(document);
  // A line of the log is signed with the same keys, and is no receipt.
  return typeof number === "number" ? { event, number, at_ms } : null;
};

/**
 * The position that the draw gave number 1, 2 and so on.
 * @param {string} seed
 * @param {number} early
 */
const drawnPositions = async (seed, early) => {
  /** @type {{number: number, hash: Uint8Array}[]} */
  const drawn = [];
  for (let first = 1; first <= early; first += HASHES_AT_ONCE) {
    const size = Math.min(HASHES_AT_ONCE, early - first + 1);
    const numbers = Array.from({ length: size }, (_, index) => first + index);
    const hashes = await Promise.all(numbers.map((number) => sha256(`${seed}:${number}`)));
    numbers.forEach((number, index) => {
      drawn.push({ number, hash: hashes[index] ?? new Uint8Array() });
    });
  }
  drawn.sort((one, other) => {
    const at = one.hash.findIndex((byte, index) => byte !== other.hash[index]);
    return at < 0 ? 0 : (one.hash[at] ?? 0) - (other.hash[at] ?? 0);
  });
  const found = new Uint32Array(early);
  drawn.forEach(({ number }, index) => {
    found[number - 1] = index + 1;
  });
  return found;
};

class Verifier {
  /**
   * @param {Keys} keys
   * @param {Receipt | null} receipt
   */
  constructor(keys, receipt) {
    this.keys = keys;
    this.receipt = receipt;
    this.report = {
      event: "",
      lines: 0,
      issued: 0,
      called: 0,
      skipped: 0,
      returned: 0,
      left: 0,
      gaps: 0,
      is_drawn: false,
      /** @type {LogProblem[]} */
      problems: [],
      /** @type {LogEvent[]} */
      events: [],
    };
    this.waiting = new Uint8Array(1024);
    /** @type {Set<number>} */
    this.absent = new Set();
    /** @type {Set<number>} */
    this.called = new Set();
    this.head = 1;
    this.line = 0;
    this.atMs = 0;
    this.beforeMs = 0;
    this.commitment = "";
    this.knownAbove = 0;
    this.own = receipt?.number ?? 0;
    this.isWhole = true;
  }

  /**
   * @param {string[]} lines
   * @param {(done: number) => void} onProgress
   */
  async run(lines, onProgress) {
    /** @type {string | null} */
    let previous = null;
    for (const line of lines) {
      this.line += 1;
      const [document = "", signature = ""] = split(line);
      if (await isSigned(document, signature, this.keys)) {
        const content = JSON.parse(document);
        await this.checkChain(content, previous);
        if (this.isWhole) await this.replay(content);
      } else {
        // What it says counts for nothing, so the order is not known from here on.
        this.isWhole = false;
        this.fail("signature");
      }
      previous = line;
      if (this.line % 100 === 0) {
        onProgress(this.line / lines.length);
        // The page stays usable.
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    this.report.lines = this.line;
    this.checkReceipt();
    return this.report;
  }

  checkReceipt() {
    const { receipt, report } = this;
    if (!receipt || report.gaps || !this.isWhole) return;
    const isIssued = report.events.some(({ code }) => code === "issued");
    if (!isIssued && this.atMs > receipt.at_ms + RECEIPT_DELAY_MS) {
      this.fail("receipt_missing", { number: receipt.number });
    }
  }

  /**
   * @param {string} code
   * @param {Values} [values]
   */
  fail(code, values = {}) {
    const { problems } = this.report;
    if (problems.length < MAX_PROBLEMS) problems.push({ line: this.line, code, values });
  }

  /**
   * @param {string} code
   * @param {Values} [values]
   */
  note(code, values = {}) {
    this.report.events.push({ at_ms: this.atMs, code, values });
  }

  /**
   * @param {import("./types").LogEntry} content
   * @param {string | null} previous
   */
  async checkChain(content, previous) {
    if (content.seq !== this.line) this.fail("sequence", { number: content.seq ?? 0 });
    const expected = previous === null ? "" : await hexSha256(previous);
    if ((content.previous ?? "") !== expected) this.fail("chain");
    if (this.line === 1) {
      this.report.event = content.event ?? "";
      if (this.receipt?.event !== this.report.event) this.receipt = null;
    } else if (content.event !== this.report.event) this.fail("event");
    const atMs = content.at_ms ?? 0;
    if (atMs < this.atMs && !content.gap) this.fail("older");
    this.beforeMs = this.atMs;
    this.atMs = atMs;
  }

  /** @param {import("./types").LogEntry} content */
  async replay(content) {
    if (content.gap) {
      // Numbers from before come back as visitors return.
      this.report.gaps += 1;
      this.waiting = new Uint8Array(1024);
      this.absent.clear();
      this.called.clear();
      this.head = 1;
      this.knownAbove = content.start ?? 0;
    }
    const { commitment = "", seed = "" } = content.draw ?? {};
    if (commitment && this.commitment && commitment !== this.commitment) this.fail("fingerprint");
    this.commitment ||= commitment;
    const [first = 1, last = 0] = content.issued ?? [];
    if (last >= first) this.issue(first, last);
    for (const step of (content.steps ?? "").split(" ").filter(Boolean)) {
      const [, letter = "", from = "", to = from] = STEP.exec(step) ?? [];
      const [start, end] = [Number(from), Number(to)];
      if (!letter) this.fail("unreadable", { step });
      else if (!(start <= end && end < MAX_POSITIONS)) this.fail("range", { step });
      else if (letter === "d") await this.draw(start, seed);
      else for (let at = start; at <= end; at += 1) this.step(letter, at);
    }
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  issue(first, last) {
    const { report, receipt } = this;
    if (first !== Math.max(report.issued, this.knownAbove) + 1 || last >= MAX_POSITIONS) {
      this.fail("issued", { number: first, last: report.issued });
      return;
    }
    this.grow(last);
    this.waiting.fill(1, first, last + 1);
    report.issued = last;
    if (receipt && first <= receipt.number && receipt.number <= last) {
      const { number, at_ms } = receipt;
      if (this.beforeMs > at_ms + RECEIPT_DELAY_MS) this.fail("receipt_late", { number });
      const ahead = this.waiting.subarray(0, number).reduce((sum, waits) => sum + waits, 0);
      this.note("issued", { number, ahead });
    }
  }

  /** @param {number} position */
  grow(position) {
    if (position < this.waiting.length) return;
    const larger = new Uint8Array(2 * (position + 1));
    larger.set(this.waiting);
    this.waiting = larger;
  }

  /**
   * @param {number} early
   * @param {string} seed
   */
  async draw(early, seed) {
    if ((await hexSha256(seed)) !== this.commitment) {
      this.fail("seed");
      return;
    }
    const order = await drawnPositions(seed, early);
    /** @param {number} number */
    const orderOf = (number) => order[number - 1] ?? number;
    this.grow(early);
    const before = this.waiting.slice(0, early + 1);
    for (let number = 1; number <= early; number += 1) {
      this.waiting[orderOf(number)] = before[number] ?? 0;
    }
    this.absent = new Set(Array.from(this.absent, orderOf));
    this.head = 1;
    this.report.is_drawn = true;
    if (this.receipt && this.receipt.number <= early) {
      // From the number: after a gap an order is drawn again.
      this.own = orderOf(this.receipt.number);
      this.note("drawn", { position: this.own });
    }
  }

  /**
   * @param {string} letter
   * @param {number} position
   */
  step(letter, position) {
    this.grow(position);
    const { report, waiting, absent, called } = this;
    const waits = waiting[position] === 1;
    // What was there before a gap is not known until it returns.
    const isUnknown = position <= this.knownAbove;
    if (letter === "c") {
      report.called += 1;
      this.checkTurn(position, waits, "called");
      called.add(position);
    } else if (letter === "s") {
      report.skipped += 1;
      if (waits || !(called.has(position) || isUnknown)) {
        this.checkTurn(position, waits, "skipped");
      }
      called.delete(position);
      absent.add(position);
    } else if (letter === "r") {
      report.returned += 1;
      if (waits || !(absent.has(position) || isUnknown))
        this.fail("returned_present", { position });
      absent.delete(position);
    } else {
      report.left += 1;
      if (!(waits || absent.has(position) || called.has(position) || isUnknown)) {
        this.fail("left_absent", { position });
      }
      absent.delete(position);
      called.delete(position);
    }
    waiting[position] = letter === "r" ? 1 : 0;
    if (letter === "r") this.head = Math.min(this.head, position);
    if (this.receipt && position === this.own) this.note(letter);
  }

  /**
   * @param {number} position
   * @param {boolean} waits
   * @param {string} about
   */
  checkTurn(position, waits, about) {
    if (!waits) {
      this.fail(`${about}_absent`, { position });
      return;
    }
    this.head = this.waiting.indexOf(1, this.head);
    if (this.head !== position) this.fail(`${about}_early`, { position, first: this.head });
  }
}

/**
 * What a log proves, and where it is wrong.
 * @param {string[]} lines without their ends
 * @param {Keys} keys the keys of the installation
 * @param {Receipt | null} receipt whose position to follow
 * @param {(done: number) => void} [onProgress]
 */
export const verifyLog = (lines, keys, receipt, onProgress = () => {}) =>
  new Verifier(keys, receipt).run(lines, onProgress);

/**
 * The lines of a log; only line feeds end one, so any other changed byte stays in its line.
 * @param {string} text
 */
export const linesOf = (text) => (text ? text.replace(/\n$/, "").split("\n") : []);
