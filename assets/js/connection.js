// Presses without a connection. The live connection keeps what is pressed and sends it on its
// return, when the buyer may see another total; so without one nothing is sent at all.

import { createElement as h, useEffect, useState } from "react";
import { useLatest } from "./use_latest.js";

const PRESSED = "surge:pressed-offline";
const BUSY_MS = 8000;

/** @param {unknown[]} errors of the live connection */
const useIsOffline = (errors) => {
  const [isOnline, setOnline] = useState(true);
  useEffect(() => {
    const read = () => setOnline(navigator.onLine);
    read();
    addEventListener("online", read);
    addEventListener("offline", read);
    return () => {
      removeEventListener("online", read);
      removeEventListener("offline", read);
    };
  }, []);
  return !isOnline || errors.length > 0;
};

/**
 * Refuse presses inside while there is no connection; otherwise show at once that one was taken.
 * @param {{errors: unknown[], answer?: unknown, children: import("react").ReactNode}} props
 *   `answer` changes with each answer of the server; without it no button is shown as taken
 */
export function RequireConnection({ errors, answer, children }) {
  const isOffline = useLatest(useIsOffline(errors));
  const [pressed, setPressed] = useState(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    pressed?.setAttribute("aria-busy", "true");
    const timer = setTimeout(() => setPressed(null), BUSY_MS);
    return () => {
      clearTimeout(timer);
      pressed?.removeAttribute("aria-busy");
    };
  }, [pressed]);
  useEffect(() => setPressed(null), [answer]);
  /** @param {import("react").SyntheticEvent} event */
  const onPress = (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    if (event.type === "click" && !button) return;
    // What stays on this device needs no connection.
    if (button?.dataset.local !== undefined) return;
    const isTaken = button?.getAttribute("aria-busy") === "true";
    if (isOffline.current || isTaken) {
      event.preventDefault();
      event.stopPropagation();
      if (isOffline.current) dispatchEvent(new CustomEvent(PRESSED));
    } else if (answer !== undefined && button?.classList.contains("primary")) {
      setPressed(button);
    }
  };
  return h(
    "div",
    { className: "contents", onClickCapture: onPress, onSubmitCapture: onPress },
    children,
  );
}

/**
 * Stands beside the button: its first child while there is no connection, its second once one was
 * pressed without.
 * @param {{errors: unknown[], children: import("react").ReactNode[]}} props
 */
export function OfflineNotice({ errors, children }) {
  const isOffline = useIsOffline(errors);
  const [wasPressed, setPressed] = useState(false);
  useEffect(() => {
    const onPress = () => setPressed(true);
    addEventListener(PRESSED, onPress);
    return () => removeEventListener(PRESSED, onPress);
  }, []);
  useEffect(() => {
    if (!isOffline) setPressed(false);
  }, [isOffline]);
  return isOffline ? children[wasPressed ? 1 : 0] : null;
}
