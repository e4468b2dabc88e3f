// The search for a booking: a plain form, whose answer is in the address.

import { createElement as h, useEffect, useState } from "react";
import { gettext } from "./language.js";
import { load, save } from "./storage.js";

const KEY = "surge-form-find";
const DOMAIN = /^[a-z0-9.-]+$/;

/**
 * Chromium clears the focus when it has scrolled to the part that an address names, which may be
 * after the page has taken over.
 * @param {HTMLInputElement | undefined} input
 */
const focusFirst = (input) => {
  const focus = () => {
    if (document.activeElement === document.body) input?.focus();
  };
  focus();
  const focusOnceShown = () => requestAnimationFrame(() => requestAnimationFrame(focus));
  if (document.readyState === "complete") focusOnceShown();
  else window.addEventListener("load", focusOnceShown, { once: true });
};

/**
 * Put back what was typed and focus the first field, where the search found nothing; offer the
 * likelier spelling of an email address, whose domain the answer names.
 * @param {{form: string, contact: string}} props
 */
export function FindBooking({ form, contact }) {
  const [likelier, setLikelier] = useState("");
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
      focusFirst(inputs()[0]);
      const domain = new URLSearchParams(window.location.search).get("likelier") ?? "";
      const mailbox = (typed[contact] ?? "").split("@")[0]?.trim();
      if (mailbox && DOMAIN.test(domain)) setLikelier(`${mailbox}@${domain}`);
    }
    element.addEventListener("submit", keep);
    return () => element.removeEventListener("submit", keep);
  }, [form, contact]);
  const take = () => {
    const input = document.getElementById(contact);
    if (input instanceof HTMLInputElement) input.value = likelier;
    input?.focus();
    setLikelier("");
  };
  if (!likelier) return null;
  return h(
    "p",
    { className: "suggestion" },
    h("span", null, `${gettext("Did you mean {address}?", { address: likelier })} `),
    h("button", { type: "button", className: "link", onClick: take }, gettext("Use it")),
  );
}
