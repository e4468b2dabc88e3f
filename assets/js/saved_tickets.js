// The choice whether this browser keeps a booking's tickets for the time without a connection.

import { createElement as h, useEffect, useState } from "react";
import { canSave, forgetTickets, isWanted, saveTickets } from "./ticket_copies.js";

/**
 * Show the first child while the tickets are saved, the second while they are not; a press on the
 * button of either changes that.
 * @param {{reference: string, stamp: string, children: import("react").ReactNode[]}} props
 *   `stamp` changes with what the tickets say
 */
export function SavedTickets({ reference, stamp, children }) {
  const [isSaved, setSaved] = useState(/** @type {boolean | null} */ (null));
  const keep = () =>
    saveTickets(reference)
      .then((isDone) => setSaved(isDone || null))
      .catch(() => setSaved(null));
  const forget = () => forgetTickets(reference).then(() => setSaved(false));
  useEffect(() => {
    if (!reference || !canSave()) return;
    if (isWanted(reference)) keep();
    else setSaved(false);
  }, [reference, stamp]);
  if (isSaved === null) return null;
  /** @param {import("react").MouseEvent} event */
  const onClick = (event) => {
    if (!(/** @type {HTMLElement} */ (event.target).closest("button"))) return;
    if (isSaved) forget();
    else keep();
  };
  // The wrapper of what the page gives; the button inside is what is pressed.
  return h("div", { className: "contents", onClick }, children[isSaved ? 0 : 1]);
}
