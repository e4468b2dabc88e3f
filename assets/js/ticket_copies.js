// Copies of this browser's tickets, for an entrance without a connection; `ticket_worker.js`
// opens them.

import { load, save } from "./storage.js";

const COPIES = "surge-tickets";
const WORKER = "/js/ticket_worker.js";
const SCOPE = "/bookings/";
// What the saved page loads.
const PARTS = [
  "/surge.css",
  "/controls.css",
  "/pages.css",
  "/queue.css",
  "/js/forget_tickets.js",
  "/js/ticket_copies.js",
  "/js/storage.js",
];

/** @param {string} ref */
const pathOf = (ref) => `${SCOPE}${ref}`;
/** @param {string} ref */
const choice = (ref) => `surge-saved-${ref}`;

/** Whether this browser can open a page without a connection; plain http and old ones cannot. */
export const canSave = () => "serviceWorker" in navigator && "caches" in globalThis;

/**
 * Whether its holder wants the tickets of a booking saved; yes, until they say otherwise.
 * @param {string} ref
 */
export const isWanted = (ref) => load(choice(ref), 1) === 1;

/**
 * Save the tickets of a booking as they are now.
 * @param {string} ref
 * @returns {Promise<boolean>} false if there are no valid tickets to save
 */
export const saveTickets = async (ref) => {
  save(choice(ref), 1);
  await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
  const copies = await caches.open(COPIES);
  await removeOutdated(copies);
  const answer = await fetch(`${pathOf(ref)}/tickets?saved=1`);
  if (answer.status === 404) {
    await copies.delete(pathOf(ref), { ignoreVary: true });
    return false;
  }
  if (!answer.ok || answer.redirected) throw new Error(`Not saved: ${answer.status}`);
  await copies.addAll(PARTS);
  await copies.put(pathOf(ref), answer);
  await navigator.serviceWorker.ready;
  // Forgotten meanwhile.
  if (!isWanted(ref)) await copies.delete(pathOf(ref), { ignoreVary: true });
  return isWanted(ref);
};

/**
 * Remove the copy of a booking, and save no other until its holder asks for it.
 * @param {string} ref
 */
export const forgetTickets = async (ref) => {
  save(choice(ref), 0);
  const copies = await caches.open(COPIES);
  await copies.delete(pathOf(ref), { ignoreVary: true });
};

/** @param {Cache} copies */
const removeOutdated = async (copies) => {
  for (const request of await copies.keys()) {
    const copy = await copies.match(request);
    const ends = Date.parse(copy?.headers.get("expires") ?? "");
    if (ends < Date.now()) await copies.delete(request, { ignoreVary: true });
  }
};
