// The page that checks the log of a queue. Its sentences are in its HTML, written by the edge, so
// no other page loads them.

import { canVerify, linesOf, readKeys, readReceipt, verifyLog } from "./queue_log.js";
import { load, receiptKey, save, sharedQueue } from "./storage.js";

/**
 * @typedef {import("./queue_log.js").Receipt} Receipt
 * @typedef {import("./queue_log.js").Keys} Keys
 */

const MAX_RECEIPT = 2000;

/** @param {string} selector */
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));
/** @param {string} selector */
const findAll = (selector) =>
  /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector));

const slug = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const path = `/api/queue/${encodeURIComponent(slug)}`;
const sentences = JSON.parse(find("#sentences").textContent ?? "{}");
const { lang } = document.documentElement;
const verdict = find("[data-verdict]");
const again = /** @type {HTMLButtonElement} */ (find("[data-again]"));
const entry = /** @type {HTMLTextAreaElement} */ (find("#receipt"));
const numbers = new Intl.NumberFormat(lang);
const times = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });

/** @type {Keys} */
let keys = new Map();
let text = load(receiptKey(slug), "");

/**
 * @param {string} sentence
 * @param {Record<string, number | string>} values
 */
const fill = (sentence, values) =>
  sentence.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? numbers.format(value) : value;
  });

/** @param {string} address */
const read = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  // A changed first byte must not pass for the mark of an encoding.
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await answer.arrayBuffer());
};

/** @param {string} state */
const show = (state) => {
  verdict.dataset.verdict = state;
  verdict.setAttribute("aria-busy", String(state === "working"));
  for (const part of findAll("[data-when]")) part.hidden = part.dataset.when !== state;
  again.disabled = state === "working" || state === "unable";
  find("[data-own]").hidden = state === "unable";
};

/**
 * @param {string} into the selector of a list
 * @param {[string, string][]} rows a heading and its sentence
 */
const list = (into, rows) => {
  const items = rows.map(([heading, sentence]) => {
    const item = document.createElement("li");
    const title = document.createElement("strong");
    title.textContent = heading;
    item.append(title, " ", sentence);
    return item;
  });
  find(into).replaceChildren(...items);
};

/** @param {string} reason */
const refuse = (reason) => {
  for (const part of findAll("[data-refused]")) part.hidden = part.dataset.refused !== reason;
  entry.setAttribute("aria-invalid", String(reason !== ""));
};

/** @param {Awaited<ReturnType<typeof verifyLog>>} report */
const showReport = (report) => {
  for (const part of findAll("[data-sum]")) {
    const sum = report[/** @type {"lines"} */ (part.dataset.sum)];
    part.textContent = numbers.format(sum);
  }
  list(
    "[data-problems]",
    report.problems.map(({ line, code, values }) => [
      fill(sentences.line, { line }),
      fill(sentences.problems[code], values),
    ]),
  );
  list(
    "[data-events]",
    report.events.map(({ at_ms, code, values }) => [
      times.format(at_ms),
      fill(sentences.events[code], values),
    ]),
  );
  find("[data-drawn]").hidden = !report.is_drawn;
  find("[data-gap]").hidden = report.gaps === 0;
  find("[data-early]").hidden = report.events.length > 0;
};

/**
 * The receipt of what was pasted or kept, null with its reason shown if it does not count.
 * @returns {Promise<Receipt | null>}
 */
const ownReceipt = async () => {
  const receipt = text ? await readReceipt(text, keys) : null;
  refuse(text && !receipt ? "signature" : receipt && receipt.event !== slug ? "event" : "");
  return receipt?.event === slug ? receipt : null;
};

const check = async () => {
  show("working");
  if (!(await canVerify())) {
    show("unable");
    return;
  }
  let lines;
  try {
    keys = await readKeys(JSON.parse(await read("/api/tickets/keys")));
    lines = linesOf(await read(`${path}/log`));
  } catch {
    show("unread");
    return;
  }
  const receipt = await ownReceipt();
  if (receipt) save(receiptKey(slug), text);
  const report = await verifyLog(lines, keys, receipt);
  showReport(report);
  for (const part of findAll("[data-receipt]")) {
    part.hidden = part.dataset.receipt !== (receipt ? "followed" : "none");
  }
  show(report.problems.length ? "wrong" : lines.length ? "holds" : "empty");
};

/** @param {string} given */
const use = (given) => {
  text = given.trim();
  entry.value = text;
  check();
};

again.addEventListener("click", check);
find("[data-use]").addEventListener("click", () => use(entry.value));
find("[data-other]").addEventListener("click", async () => {
  await use("");
  save(receiptKey(slug), "");
});
find("[data-file]").addEventListener("change", async ({ target }) => {
  const [file] = /** @type {HTMLInputElement} */ (target).files ?? [];
  if (file) use(await file.slice(0, MAX_RECEIPT).text());
});
// A number of this browser is in its cookie as well.
if (!text && sharedQueue(slug).read().number) {
  const answer = await fetch(`${path}/receipt`).catch(() => null);
  if (answer?.ok) text = (await answer.text()).trim();
}
check();
