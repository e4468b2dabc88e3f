// Counts a browser once for each event; the server stores a number and nothing about anyone.

import { backendUrl } from "./backend.js";
import { isKept, load, save } from "./storage.js";

/** @param {string} slug */
export const countVisit = (slug) => {
  const key = `surge-visited-${slug}`;
  // A browser that stores nothing would report itself at every load.
  if (!isKept() || load(key, false)) return;
  save(key, true);
  if (!load(key, false)) return;
  navigator.sendBeacon?.(backendUrl(`/api/events/${encodeURIComponent(slug)}/visits`));
};
