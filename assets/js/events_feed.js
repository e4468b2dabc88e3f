// The feed of the list of events.

import { apiQuery, isNarrowed, MOST, nextLimit, readSearch } from "./event_search.js";
import { nextFirst, toEventView } from "./event_view.js";
import { createFeed } from "./feed_context.js";
import { inLanguage } from "./language.js";
import { feedPause, startFeed } from "./polling.js";
import { firstAnswer } from "./prerendered.js";
import { request } from "./request.js";

// As many are seen at a glance.
const FEW = 8;

export const EventsFeed = createFeed((push, base) => {
  const search = readSearch(window.location.search);
  let limit = nextLimit();
  let asked = false;
  /** @param {import("./types").Feed} feed */
  const askChoices = async (feed) => {
    asked = true;
    const { status, body } = await request("GET", "/api/event-filters");
    if (status === 200) feed.put(body);
    else asked = false;
  };
  return startFeed({
    base: { ...base, search },
    push,
    ask: (signal) => firstAnswer(inLanguage(`/api/events?${apiQuery(search, limit)}`), signal),
    take: ({ body, skew }, _value, feed) => {
      /** @type {import("./types").SurgeEvent[]} */
      const events = body;
      const views = events.map((event) => toEventView(event, skew));
      const is_searchable = isNarrowed(search) || events.length > FEW;
      if (is_searchable && !asked) askChoices(feed);
      const is_full = events.length >= limit;
      const found = {
        events: isNarrowed(search) ? views : nextFirst(views),
        is_narrowed: isNarrowed(search),
        has_more: is_full && limit < MOST,
        is_cut: is_full && limit >= MOST,
      };
      return [{ phase: "ready", is_searchable, ...found }, feedPause(15)];
    },
    on: {
      "surge:more": (feed) => {
        limit = nextLimit(limit);
        feed.run({ anew: true });
      },
    },
  });
});
