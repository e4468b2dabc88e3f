// The switch between languages: links that work without a script, too, as the address decides.

import { createElement as h, useEffect, useState } from "react";
import { language } from "./language.js";

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
  if (!address || address.startsWith("/admin")) return h("span", { className: "languages" });
  return h(
    "span",
    { className: "languages" },
    names
      .filter(([tag]) => tag !== language().tag)
      .map(([tag, name]) =>
        h("a", { key: tag, lang: tag, hrefLang: tag, href: href(tag), rel: "nofollow" }, name),
      ),
  );
}
