// The switch between languages: a menu of links that works without a script, too, as the address
// decides.

import { createElement as h, useEffect, useState } from "react";
import { gettext, language } from "./language.js";

/**
 * @param {{names: [string, string][]}} props tag and name of each language, in itself
 */
export function LanguageSwitch({ names }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    setAddress(window.location.pathname + window.location.search);
    // React owns the document's element from here on.
    document.documentElement.lang = language().locale;
    document.documentElement.dir = language().dir;
  }, []);
  /** @param {string} tag */
  const href = (tag) => {
    const [path, query] = address.split("?");
    const search = new URLSearchParams(query);
    search.set("lang", tag);
    return `${path}?${search}`;
  };
  // The build does not know of which page this is a part, nor in which language.
  if (!address) return h("span");
  const { tag, locale } = language();
  const links = names
    .filter(([other]) => other !== tag)
    .map(([other, name]) =>
      h(
        "a",
        { key: other, lang: other, hrefLang: other, href: href(other), rel: "nofollow" },
        name,
      ),
    );
  // One other language needs no menu.
  if (links.length === 1) return h("span", { className: "languages" }, links);
  return h(
    "details",
    { className: "languages" },
    h(
      "summary",
      null,
      h("span", { className: "sr-only" }, gettext("Language")),
      h("span", { lang: locale }, names.find(([own]) => own === tag)?.[1] ?? tag),
    ),
    h("nav", { "aria-label": gettext("Language") }, links),
  );
}
