// Remembers what is typed: a reload, or a page that comes back from paying, finds it again.
//
// In the tab's own storage, so that nothing is left behind on a shared machine once it is closed.
// Every keystroke is stored; a field reports to the server only when it is left. The values set by
// the page itself (a likelier spelling) are caught on the way out. An invalid field reports
// sooner: a corrected value should say so while one types.

import { useEffect, useRef } from "react";
import { load, save } from "./storage.js";
import { useLatest } from "./use_latest.js";

/**
 * @param {{form: string, name: string, fields: number,
 *   onCorrect?: (name: string, value: string) => void}} props `fields` changes with each field
 *   that is added later; a new one gets its stored value, too
 */
export function FormPersistence({ form, name, fields, onCorrect }) {
  const seen = useRef(/** @type {Set<string>} */ (new Set()));
  const handler = useLatest(onCorrect);
  useEffect(() => {
    const element = document.getElementById(form);
    if (!element || !name) return;
    const key = `surge-form-${name}`;
    const inputs = () =>
      /** @type {NodeListOf<HTMLInputElement>} */ (element.querySelectorAll("input[name]"));
    /** @returns {Record<string, string>} */
    const read = () => load(key, {}, "session");
    const write = () => {
      const typed = Object.fromEntries([...inputs()].map((input) => [input.name, input.value]));
      save(key, { ...read(), ...typed }, "session");
    };
    const stored = read();
    for (const input of inputs()) {
      if (!seen.current.has(input.name) && input.name in stored) input.value = stored[input.name];
      seen.current.add(input.name);
    }
    const over = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const onInput = (/** @type {Event} */ event) => {
      const target = /** @type {HTMLInputElement} */ (event.target);
      write();
      clearTimeout(timer);
      if (target.getAttribute("aria-invalid") !== "true") return;
      timer = setTimeout(() => handler.current?.(target.name, target.value), 300);
    };
    element.addEventListener("input", onInput, { signal: over.signal });
    element.addEventListener("submit", write, { signal: over.signal });
    window.addEventListener("pagehide", write, { signal: over.signal });
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, [form, name, fields]);
  return null;
}
