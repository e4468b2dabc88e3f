// Requests to the JSON API.

import { backendUrl } from "./backend.js";

/**
 * Send one request. It never throws: status 0 means there was no usable answer.
 * @param {string} method
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @param {unknown} [body]
 * @param {RequestCredentials} [credentials] "omit" for what is the same for everyone
 * @returns {Promise<import("./types").Answer>}
 */
export const request = async (method, path, signal, body, credentials = "include") => {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), 10000);
  signal?.addEventListener("abort", () => limit.abort(), { once: true });
  try {
    const response = await fetch(backendUrl(path), {
      method,
      credentials,
      headers: {
        Accept: "application/json",
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
      signal: limit.signal,
    });
    const text = await response.text();
    // A cache says how long ago it was told.
    const age = Number(response.headers.get("age")) * 1000 || 0;
    const served = Date.parse(response.headers.get("date") ?? "") + age;
    return {
      status: response.status,
      body: text ? JSON.parse(text) : {},
      wait: Number(response.headers.get("retry-after")) || 0,
      skew: Number.isNaN(served) ? 0 : served - Date.now(),
    };
  } catch {
    return { status: 0, body: {}, wait: 0, skew: 0 };
  } finally {
    clearTimeout(timer);
  }
};

/**
 * A part of the page's own path, counted from its end.
 * @param {number} [at]
 */
export const pathPart = (at = -1) =>
  decodeURIComponent(window.location.pathname.split("/").filter(Boolean).at(at) ?? "");
