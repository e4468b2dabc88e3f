// The language of what is in the document before React renders.

import { language, translated } from "./language.js";

const ATTRIBUTES = ["aria-label", "placeholder"];

/**
 * Translate what the build or the edge wrote into the document. Pages are built in English, and
 * React throws a page away, with what the edge wrote, where a text is not the one it renders.
 */
export const translateDocument = () => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = /** @type {Text} */ (texts.currentNode);
    const translation = translated(text.data);
    if (translation !== text.data) text.data = translation;
  }
  for (const name of ATTRIBUTES) {
    for (const element of document.body.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, translated(element.getAttribute(name)));
    }
  }
  document.title = document.title.split(" · ").map(translated).join(" · ");
};

if (typeof document !== "undefined" && language().tag !== "en") translateDocument();
