// Chooses the language of a page before its first module runs. The build writes the function into
// the head of every page, because a request of its own would delay the first paint.

/**
 * The language of the address, else of the cookie, else of the browser.
 * @param {Record<string, {locale: string, dir: "ltr" | "rtl",
 *   files: Record<string, string>}>} languages all but English, with a file for each area
 */
export const chooseLanguage = (languages) => {
  const cookie = document.cookie.match(/(?:^|; )surge_lang=([\w-]+)/)?.[1];
  const query = new URLSearchParams(location.search).get("lang");
  /** @param {string | null | undefined} tag */
  const offered = (tag) => (tag === "en" || (tag && languages[tag]) ? tag : null);
  const accepted = navigator.languages
    .map((tag) => tag.split("-")[0])
    .find((tag) => tag === "en" || (tag && languages[tag]));
  const tag = offered(query) ?? offered(cookie) ?? accepted ?? "en";
  if (offered(query) && query !== cookie) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    // biome-ignore lint/suspicious/noDocumentCookie: browsers of 2022 have no other way
    document.cookie = `surge_lang=${query}; path=/; max-age=31536000; samesite=lax${secure}`;
  }
  const chosen = languages[tag];
  const [, area = ""] = location.pathname.split("/");
  // Few catalogues have the organizers' area; the others read it in English.
  if (!chosen || (area === "admin" && !chosen.files.admin)) return;
  const { locale, dir, files } = chosen;
  Object.assign(globalThis, {
    surgeLanguage: { tag, locale, dir, texts: {}, plural: () => 0 },
  });
  document.documentElement.lang = locale;
  document.documentElement.dir = dir;
  // Written into the document while it is read, so that it runs before every module.
  document.write(`<script src="${files[area] ?? files.events}"></script>`);
};
