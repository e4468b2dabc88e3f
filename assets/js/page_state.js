// Waiting for the state of a page, and moving its focus.

import { useEffect, useRef, useState } from "react";

/**
 * Show the first child until the page has loaded its own state, then the second for good.
 *
 * A tab keeps its state on the server from page to page, so what arrives first may belong to the
 * page before: another event, a payment that is over. The second child stays while a lost
 * connection returns: unmounting a form would lose what is being typed.
 * @param {{ready: boolean, children: import("react").ReactNode[]}} props
 */
export function WhenSettled({ ready, children }) {
  const [isSettled, setSettled] = useState(false);
  useEffect(() => {
    if (ready) setSettled(true);
  }, [ready]);
  return isSettled ? children[1] : children[0];
}

/**
 * Focus the element with the id `to` whenever `stamp` changes.
 * @param {{to: string, stamp: number}} props
 */
export function Focus({ to, stamp }) {
  const seen = useRef(stamp);
  useEffect(() => {
    if (stamp !== seen.current) document.getElementById(to)?.focus();
    seen.current = stamp;
  }, [stamp]);
  return null;
}
