// The page that takes a place over from another device. The secret of a scanned link is in the
// fragment, which no browser sends; nothing moves before a press.

import { save, sharedQueue } from "./storage.js";

const ATTEMPTS = 3;
const PAUSE_MS = 1500;

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-slug]"));
/** @param {string} name */
const part = (name) => /** @type {HTMLElement} */ (form.querySelector(`[data-${name}]`));
const [question, problem, button] = [part("question"), part("problem"), part("label")];
const input = /** @type {HTMLInputElement} */ (form.elements.namedItem("code"));
const slug = form.dataset.slug ?? "";
let replaces = false;
let isBusy = false;

/**
 * @param {HTMLElement} notice
 * @param {string} [text] nothing hides it
 */
const say = (notice, text = "") => {
  notice.textContent = text;
  notice.hidden = text === "";
};

/** @param {string} code */
const take = async (code) => {
  try {
    const response = await fetch(`/api/queue/${encodeURIComponent(slug)}/continue`, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json" },
      body: JSON.stringify({ code, replaces }),
    });
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: {} };
  }
};

/**
 * The answer that counts: the first one may only set the cookie, and a lost one is asked for again,
 * which moves nothing twice.
 * @param {string} code
 */
const takeUntilAnswered = async (code) => {
  let answer = await take(code);
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    const isLost = answer.status === 0 || answer.status >= 500;
    if (!isLost && answer.body.note !== "cookie_required") break;
    if (isLost) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    answer = await take(code);
  }
  return answer;
};

const readLink = () => {
  const link = window.location.hash.slice(1);
  part("scanned").hidden = !link;
  part("typed").hidden = link !== "";
  // Another language is the same page with the same secret.
  for (const other of /** @type {NodeListOf<HTMLAnchorElement>} */ (
    document.querySelectorAll("a[hreflang]")
  )) {
    other.hash = link;
  }
  return link;
};

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isBusy) return;
  const code = readLink() || input.value;
  if (!code.trim()) {
    input.focus();
    return;
  }
  isBusy = true;
  button.setAttribute("aria-busy", "true");
  say(problem);
  const { status, body } = await takeUntilAnswered(code);
  if (status === 200 && body.note !== "cookie_required") {
    // What this browser knew of the queue is of a place that it has no more.
    sharedQueue(slug).write({ left: 0, leaving: 0, number: 0, position: 0, start: 0 });
    if (Object.keys(body.typed).length > 0) save(`surge-form-${slug}`, body.typed, "session");
    const page = body.state === "admitted" ? "book" : "queue";
    window.location.replace(`/${page}/${encodeURIComponent(slug)}`);
    return;
  }
  isBusy = false;
  button.removeAttribute("aria-busy");
  replaces = status === 409 && body.code === "already_in_queue";
  say(question, replaces ? body.title : "");
  button.textContent = (replaces ? button.dataset.replace : button.dataset.label) ?? "";
  if (replaces) return;
  const { cookies, offline } = problem.dataset;
  say(problem, status === 200 ? cookies : (body.title ?? offline));
});
window.addEventListener("hashchange", readLink);
readLink();
