// Sentences in the visitor's language. English sentences are the keys of the catalogue, which
// `choose_language.js` has loaded before any module runs; English itself needs none.

/** @typedef {import("./types").ChosenLanguage} ChosenLanguage */

/** @type {ChosenLanguage} */
const ENGLISH = {
  tag: "en",
  locale: "en-IN",
  dir: "ltr",
  texts: {},
  plural: (n) => Number(n !== 1),
};

/** The language of this page. */
export const language = () =>
  /** @type {{surgeLanguage?: ChosenLanguage}} */ (globalThis).surgeLanguage ?? ENGLISH;

/**
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
const fill = (text, values) => {
  // Read from the right, a name, a number or an address keeps its own order.
  const [first, last] = language().dir === "rtl" ? ["\u2068", "\u2069"] : ["", ""];
  return text.replace(/\{(\w+)\}/g, (name, key) =>
    key in values ? `${first}${values[key]}${last}` : name,
  );
};

/**
 * The key of a sentence: its FNV-1a hash, for pages hold the sentence itself already.
 * @param {string} message
 */
export const keyOf = (message) => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < message.length; at += 1) {
    hash = Math.imul(hash ^ message.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0).toString(36);
};

/**
 * A sentence in the visitor's language, its `{names}` filled in.
 * @param {string} message
 * @param {Record<string, unknown>} [values]
 */
export const gettext = (message, values = {}) => {
  const [text = message] = language().texts[keyOf(message)] ?? [];
  return fill(text, values);
};

/**
 * The translation of a sentence that the server sent; nothing stays nothing.
 * @param {string | null | undefined} text
 */
export const translated = (text) => (text ? gettext(text) : "");

/**
 * The form of a sentence for a number; `{count}` is the number, grouped.
 * @param {string} one
 * @param {string} many
 * @param {number} number
 * @param {Record<string, unknown>} [values]
 */
export const ngettext = (one, many, number, values = {}) => {
  const { texts, plural } = language();
  const form = texts[keyOf(one)]?.[plural(number)] ?? (number === 1 ? one : many);
  return fill(form, { count: new Intl.NumberFormat("en-IN").format(number), ...values });
};

/**
 * The address of an answer that caches may keep: its language is a part of the address.
 * @param {string} path
 */
export const inLanguage = (path) => {
  const { tag } = language();
  return tag === "en" ? path : `${path}${path.includes("?") ? "&" : "?"}lang=${tag}`;
};
