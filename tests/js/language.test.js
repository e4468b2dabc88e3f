import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { formatEventTime, formatPrices, languageOf } from "../../assets/js/formatting.js";
import { gettext, inLanguage, keyOf, ngettext } from "../../assets/js/language.js";

/** @param {Record<string, string[]>} texts */
const speakHindi = (texts) => {
  const keyed = Object.entries(texts).map(([message, forms]) => [keyOf(message), forms]);
  globalThis.surgeLanguage = {
    tag: "hi",
    locale: "hi-IN",
    dir: "ltr",
    texts: Object.fromEntries(keyed),
    plural: (n) => Number(n !== 1),
  };
};

afterEach(() => {
  globalThis.surgeLanguage = undefined;
});

test("a sentence is English without a catalogue, and in the language of one", () => {
  assert.equal(gettext("Hold {tickets}", { tickets: "2 tickets" }), "Hold 2 tickets");
  speakHindi({ "Hold {tickets}": ["{tickets} रोकें"] });
  assert.equal(gettext("Hold {tickets}", { tickets: "2 टिकट" }), "2 टिकट रोकें");
  assert.equal(gettext("Not known"), "Not known");
});

test("read from the right, what a sentence names keeps its own order", () => {
  globalThis.surgeLanguage = { tag: "ur", locale: "ur-IN", dir: "rtl", texts: {}, plural: () => 0 };
  assert.equal(gettext("SMS to {phone}", { phone: "+91" }), "SMS to \u2068+91\u2069");
});

test("a plural has the form and the grouping of its language", () => {
  const tickets = (/** @type {number} */ n) => ngettext("{count} ticket", "{count} tickets", n);
  assert.deepEqual([1, 102961].map(tickets), ["1 ticket", "1,02,961 tickets"]);
  speakHindi({ "{count} ticket": ["{count} टिकट", "{count} टिकटें"] });
  assert.deepEqual([1, 102961].map(tickets), ["1 टिकट", "1,02,961 टिकटें"]);
});

test("a key is that of the catalogue's writer, surge_app/languages/page_files.py", () => {
  assert.equal(keyOf("Free"), "7va5tn");
  assert.equal(keyOf("Joining the queue…"), "vts82v");
});

test("times, prices and the language of other texts follow the page", () => {
  speakHindi({ "from {price}": ["{price} से"] });
  assert.equal(formatPrices(102500, 102500), "₹1,025 से");
  assert.match(
    formatEventTime("2027-03-06T13:30:00Z", "Asia/Kolkata"),
    /^शनि 6 मार्च 2027, 7:00 pm/,
  );
  assert.deepEqual([languageOf("Goa nights"), languageOf("गोवा")], ["en", "hi"]);
});

test("only an answer in another language has another address", () => {
  assert.equal(inLanguage("/api/events/x"), "/api/events/x");
  speakHindi({});
  assert.equal(inLanguage("/api/events/x"), "/api/events/x?lang=hi");
  assert.equal(inLanguage("/api/events?limit=60"), "/api/events?limit=60&lang=hi");
});
