// The search for a booking: a plain form, whose answer is in the address.

import { useEffect } from "react";
import { load, save } from "./storage.js";

const KEY = "surge-form-find";

/**
 * Put back what was typed and focus the first field, where the search found nothing.
 * @param {{form: string}} props
 */
export function FindBooking({ form }) {
  useEffect(() => {
    const element = document.getElementById(form);
    if (!element) return;
    const inputs = () =>
      /** @type {NodeListOf<HTMLInputElement>} */ (element.querySelectorAll("input[name]"));
    const keep = () => {
      const typed = [...inputs()].map((input) => [input.name, input.value]);
      save(KEY, Object.fromEntries(typed), "session");
    };
    if (window.location.hash) {
      const typed = load(KEY, /** @type {Record<string, string>} */ ({}), "session");
      for (const input of inputs()) input.value ||= typed[input.name] ?? "";
      inputs()[0]?.focus();
    }
    element.addEventListener("submit", keep);
    return () => element.removeEventListener("submit", keep);
  }, [form]);
  return null;
}
