// What a page reports about its visitor when it joins a queue.

import { load, save } from "./storage.js";

/** How long this visitor has been here; the first page that joins stores it for the next. */
const openedAt = () => {
  const here = performance.timeOrigin;
  const first = Math.min(Number(load("surge-opened", here, "session")) || here, here);
  save("surge-opened", first, "session");
  return first;
};

export const arrival = () => {
  const honeypot = /** @type {HTMLInputElement | null} */ (
    document.getElementById("surge-website")
  );
  return {
    website: honeypot?.value ?? "",
    opened_ms: Math.max(0, Math.round(Date.now() - openedAt())),
  };
};
