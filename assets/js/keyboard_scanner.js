// Hardware scanners that type a code like a keyboard, and press Enter after it.

import { useEffect } from "react";
import { addKey, typedCode } from "./typed_codes.js";
import { useLatest } from "./use_latest.js";

/**
 * Put a value into a field of React, which hears of it.
 * @param {HTMLInputElement} field
 * @param {string} value
 */
const putBack = (field, value) => {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
};

/**
 * Call a handler with each code that is typed, whatever has the focus.
 * @param {(code: string) => void} onCode
 */
export const useKeyboardScanner = (onCode) => {
  const handler = useLatest(onCode);
  useEffect(() => {
    let last = { typed: "", at: 0 };
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const field = event.target instanceof HTMLInputElement ? event.target : null;
      if (event.key === "Enter") {
        const code = typedCode(last.typed, field !== null);
        last = { typed: "", at: 0 };
        if (!code) return;
        // A button with the focus must not be pressed by it.
        event.preventDefault();
        event.stopPropagation();
        if (field) putBack(field, field.value.replace(/SRG1\.$/i, ""));
        handler.current(code);
        return;
      }
      if (event.key.length !== 1) return;
      last = addKey(last, event.key, event.timeStamp);
      // What follows the first letters of a code stays out of the field.
      if (field && /SRG1\.\S/i.test(last.typed)) event.preventDefault();
    };
    document.addEventListener("keydown", onKey, true);
    return () => document.removeEventListener("keydown", onKey, true);
  }, []);
};
