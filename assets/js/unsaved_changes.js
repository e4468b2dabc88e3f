// Asks before typed changes of a form are lost.

import { useEffect } from "react";
import { gettext } from "./language.js";
import { LEAVING } from "./redirect.js";

const question = () => gettext("You have changes that are not saved. Leave without saving them?");

/** @param {Element} field */
const isChanged = (field) => {
  if (field instanceof HTMLSelectElement) {
    const before = [...field.options].find((option) => option.defaultSelected);
    return before !== undefined && !before.selected;
  }
  if (field instanceof HTMLInputElement && ["checkbox", "radio"].includes(field.type)) {
    return field.checked !== field.defaultChecked;
  }
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) {
    return field.value !== field.defaultValue;
  }
  return false;
};

const hasChanges = () =>
  [...document.querySelectorAll("main form:not([data-unsaved=ignore])")].some((form) =>
    [.../** @type {HTMLFormElement} */ (form).elements].some(isChanged),
  );

/** Guards every form of the page. */
export function UnsavedChanges() {
  useEffect(() => {
    let isLeaving = false;
    const over = new AbortController();
    const options = { signal: over.signal, capture: true };
    const onClick = (/** @type {MouseEvent} */ event) => {
      const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
      if (!link || link.getAttribute("target") || link.getAttribute("href")?.startsWith("#"))
        return;
      if (event.ctrlKey || event.metaKey || event.shiftKey || !hasChanges()) return;
      isLeaving = window.confirm(question());
      if (isLeaving) return;
      event.preventDefault();
      event.stopPropagation();
    };
    const onUnload = (/** @type {BeforeUnloadEvent} */ event) => {
      if (!isLeaving && hasChanges()) event.preventDefault();
    };
    const onLeaving = () => {
      isLeaving = true;
    };
    document.addEventListener("click", onClick, options);
    document.addEventListener(LEAVING, onLeaving, options);
    window.addEventListener("beforeunload", onUnload, options);
    return () => over.abort();
  }, []);
  return null;
}
