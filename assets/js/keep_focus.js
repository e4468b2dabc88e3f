// The focus of a page whose controls come and go.

import { useEffect, useRef } from "react";

/**
 * Focus the element with the id `to` where a change of `stamp` took away the control that had the
 * focus: the keyboard would begin at the top of the page again.
 * @param {{to: string, stamp: string}} props
 */
export function KeepFocus({ to, stamp }) {
  /** @type {import("react").MutableRefObject<Element | null>} */
  const last = useRef(null);
  useEffect(() => {
    const note = () => {
      last.current = document.activeElement;
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, []);
  useEffect(() => {
    if (last.current === null || last.current.isConnected) return;
    last.current = null;
    if (document.activeElement === document.body)
      document.getElementById(to)?.focus({ preventScroll: true });
  }, [stamp]);
  return null;
}
