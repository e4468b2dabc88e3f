// A code over the whole screen, on white, for a scanner at the entrance.

import { createElement as h, useEffect, useState } from "react";

/**
 * Fill the screen with the children when they are pressed, until they are pressed again.
 * @param {{label: string, children: import("react").ReactNode}} props `label` names what is shown
 */
export function FullScreen({ label, children }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    // A screen that turns dark cannot be scanned.
    const lock = navigator.wakeLock?.request("screen").catch(() => null);
    return () => {
      lock?.then((held) => held?.release());
    };
  }, [isOpen]);
  const press = {
    className: "enlarge",
    "data-local": true,
    "aria-expanded": isOpen,
    "aria-label": label,
    onClick: () => setOpen(!isOpen),
    onBlur: () => setOpen(false),
    /** @param {import("react").KeyboardEvent} event */
    onKeyDown: (event) => event.key === "Escape" && setOpen(false),
  };
  return h(
    "div",
    { className: isOpen ? "code-frame open" : "code-frame" },
    children,
    h("button", { type: "button", ...press }),
  );
}
