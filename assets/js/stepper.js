// A number with a minus and a plus button, which counts at once and is corrected by the server.

import { createElement as h, useEffect, useState } from "react";
import { gettext } from "./language.js";

const ANSWER_MS = 5000;

/**
 * None or `least` to `most`. `whyNoMore` and `whyNoFewer` name the elements that say why a button
 * does nothing; a press shows them.
 * @param {{value: number, least: number, most: number, canAdd: boolean, canRemove: boolean,
 *   name: string, whyNoMore: string, whyNoFewer: string, onAdd: () => void,
 *   onRemove: () => void}} props
 */
export function Stepper(props) {
  const { value, least, most, canAdd, canRemove, name, onAdd, onRemove } = props;
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
   * @param {string} why
   */
  const button = (sign, label, works, onClick, why) => {
    // Not `disabled`, which would take the focus away and leave the press without an answer.
    const reason = works || !why ? undefined : why;
    const explain = () => document.getElementById(why)?.classList.add("asked");
    const says = { "aria-label": label, "aria-disabled": !works, "aria-describedby": reason };
    const press = works ? onClick : explain;
    return h("button", { type: "button", className: "step", onClick: press, ...says }, sign);
  };
  const more = Math.max(shown + 1, least);
  const fewer = shown - 1 < least ? 0 : shown - 1;
  return h(
    "div",
    { className: "stepper", role: "group" },
    button(
      "−",
      gettext("One fewer: {name}", { name }),
      isAhead ? shown > 0 : canRemove,
      step(fewer, onRemove),
      props.whyNoFewer,
    ),
    h("output", { className: "number", "aria-label": gettext("Tickets: {name}", { name }) }, shown),
    button(
      "+",
      gettext("One more: {name}", { name }),
      isAhead ? more <= most : canAdd,
      step(more, onAdd),
      props.whyNoMore,
    ),
  );
}
