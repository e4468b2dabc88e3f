// A number with a minus and a plus button, which counts at once and is corrected by the server.

import { createElement as h, useEffect, useState } from "react";

const ANSWER_MS = 5000;

/**
 * @param {{value: number, least: number, most: number, canAdd: boolean, canRemove: boolean,
 *   name: string, onAdd: () => void, onRemove: () => void}} props none or `least` to `most`
 */
export function Stepper({ value, least, most, canAdd, canRemove, name, onAdd, onRemove }) {
  const [shown, setShown] = useState(value);
  const isAhead = shown !== value;
  // What the server refuses leaves its number as it was.
  useEffect(() => setShown(value), [value]);
  useEffect(() => {
    const timer = isAhead && setTimeout(() => setShown(value), ANSWER_MS);
    return () => clearTimeout(timer || undefined);
  }, [isAhead, value]);
  /**
   * @param {number} next
   * @param {() => void} send
   */
  const step = (next, send) => () => {
    setShown(next);
    send();
  };
  /**
   * @param {string} sign
   * @param {string} label
   * @param {boolean} works
   * @param {() => void} onClick
   */
  const button = (sign, label, works, onClick) =>
    h(
      "button",
      { type: "button", className: "step", "aria-label": label, disabled: !works, onClick },
      sign,
    );
  const more = Math.max(shown + 1, least);
  const fewer = shown - 1 < least ? 0 : shown - 1;
  return h(
    "div",
    { className: "stepper", role: "group" },
    button("−", `One fewer: ${name}`, isAhead ? shown > 0 : canRemove, step(fewer, onRemove)),
    h("output", { className: "number", "aria-label": `Tickets: ${name}` }, shown),
    button("+", `One more: ${name}`, isAhead ? more <= most : canAdd, step(more, onAdd)),
  );
}
