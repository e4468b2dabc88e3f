// The saved page of a booking: back to the live page once there is a connection, and gone on a
// press.

import { forgetTickets } from "./ticket_copies.js";

const RETRY_MS = 10000;

const saved = /** @type {HTMLElement} */ (document.querySelector("[data-saved]"));
const forgotten = /** @type {HTMLElement} */ (document.querySelector("[data-forgotten]"));
const ref = saved.dataset.saved ?? "";
const live = `/bookings/${ref}`;

document.querySelector("[data-forget]")?.addEventListener("click", async () => {
  await forgetTickets(ref);
  saved.remove();
  forgotten.hidden = false;
  forgotten.focus();
});
// The browser may be online before its worker is, or Surge may be away; so it asks again.
const openLivePage = async () => {
  const answer = await fetch(live, { method: "HEAD" }).catch(() => null);
  if (answer && answer.status < 500) location.replace(live);
};
addEventListener("online", openLivePage);
setInterval(openLivePage, RETRY_MS);
