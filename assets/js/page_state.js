// Waiting for the state of a page, and moving its focus.

import { createElement as h, useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import { gettext } from "./language.js";

const PATIENCE_MS = 12000;
const PATIENCE_ATTEMPTS = 2;

/**
 * Show the first child until the page has loaded its own state, then the second for good. Where no
 * connection comes about within seconds, the third says why.
 *
 * A tab keeps its state on the server from page to page, so what is there first may belong to the
 * page before: another event, a payment that is over. It is ready, but for another path. The second
 * child stays while a lost connection returns: unmounting a form would lose what is being typed.
 * @param {{
 *   ready: boolean, path: string, errors: unknown[], children: import("react").ReactNode[]
 * }} props
 */
export function WhenSettled({ ready, path, errors, children }) {
  const { pathname } = useLocation();
  const [settledPath, setSettledPath] = useState("");
  const [latePath, setLatePath] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setLatePath(pathname), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [pathname]);
  useEffect(() => {
    // A page that was left and opened again at once may meet the state of the one between.
    if (ready) setSettledPath(path === pathname ? pathname : "");
  }, [ready, path, pathname]);
  if (settledPath === pathname) return children[1];
  const isLate = latePath === pathname || errors.length >= PATIENCE_ATTEMPTS;
  return isLate ? children[2] : children[0];
}

/**
 * Keep the query of the address, so that a reload shows the same list.
 * @param {{query: string}} props
 */
export function Address({ query }) {
  useEffect(() => {
    const address = new URL(window.location.href);
    if (address.search.slice(1) === query) return;
    address.search = query;
    window.history.replaceState(window.history.state, "", address);
  }, [query]);
  return null;
}

/**
 * Load the document again once the edge would no longer serve it to this browser.
 *
 * A right may end between the document and its live connection, or while a lost connection
 * returns: the payment was settled, the pass is over. The refusal of a WebSocket carries no
 * reason, and it would be repeated for ever; the document leads to where its visitor belongs.
 * @param {{errors: Error[]}} props each failed attempt to connect is a new array
 */
export function AccessCheck({ errors }) {
  const isChecking = useRef(false);
  useEffect(() => {
    if (errors.length === 0 || isChecking.current) return;
    isChecking.current = true;
    fetch(window.location.href, { method: "HEAD", redirect: "manual", cache: "no-store" })
      .then(({ type, status }) => {
        if (type === "opaqueredirect" || status === 404) window.location.reload();
      })
      // No answer either: the connection is lost, and the next attempt checks again.
      .catch(() => {})
      .finally(() => {
        isChecking.current = false;
      });
  }, [errors]);
  return null;
}

/**
 * Focus the element with the id `to` whenever `stamp` changes. A field goes to the middle of the
 * screen: at its edges a bar of any height may cover it.
 * @param {{to: string, stamp: number}} props
 */
export function Focus({ to, stamp }) {
  const seen = useRef(stamp);
  useEffect(() => {
    const element = stamp === seen.current ? null : document.getElementById(to);
    element?.focus();
    if (element?.matches("input")) element.scrollIntoView({ block: "center" });
    seen.current = stamp;
  }, [stamp]);
  return null;
}

/**
 * The first stop of the keyboard. It moves the focus alone: a change of the address would load
 * the page again.
 * @param {{to: string}} props
 */
export function SkipLink({ to }) {
  const onClick = (/** @type {import("react").MouseEvent} */ event) => {
    event.preventDefault();
    document.getElementById(to)?.focus();
  };
  return h("a", { href: `#${to}`, className: "button skip", onClick }, gettext("Skip to content"));
}
