// What the server wrote into a public page: shown until the page itself can, then used by it.

import { useLayoutEffect } from "react";
import { request } from "./request.js";

const FRESH_MS = 15000;

/**
 * The answer that came with the page, used once and only if it is fresh: a restored tab may be
 * days old, and a wrong clock looks the same.
 * @param {string} path
 * @returns {import("./types").Answer | null}
 */
const embedded = (path) => {
  const element = document.getElementById("served-data");
  if (!element) return null;
  element.remove();
  const { at, body, path: embeddedPath } = JSON.parse(element.textContent ?? "");
  const skew = at - Date.now();
  if (embeddedPath !== path || Math.abs(skew) > FRESH_MS) return null;
  return { status: 200, body, wait: 0, skew };
};

/**
 * @param {string} path
 * @param {AbortSignal} signal
 */
export const firstAnswer = async (path, signal) =>
  embedded(path.replace("/api", "")) ?? request("GET", path, signal);

/** What a visitor typed into the server's version goes on in the same field of the page. */
const takeOver = () => {
  const served = document.getElementById("served");
  const typed = /** @type {NodeListOf<HTMLInputElement> | undefined} */ (
    served?.querySelectorAll("input[name]")
  );
  let focused = null;
  for (const field of typed ?? []) {
    const name = CSS.escape(field.name);
    const own = document.querySelector(`.page:not(#served) input[name="${name}"]`);
    if (!(own instanceof HTMLInputElement)) continue;
    own.value ||= field.value;
    if (document.activeElement === field) focused = own;
  }
  served?.remove();
  // Until then the page is hidden, and nothing of it takes the focus.
  focused?.focus();
};

/** Remove the server's version before the browser paints, so that both are never seen. */
export function PrerenderedHandoff() {
  useLayoutEffect(takeOver, []);
  return null;
}
