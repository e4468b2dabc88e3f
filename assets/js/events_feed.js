// The feed of the list of events.

import { nextFirst, toEventView } from "./event_view.js";
import { createFeed } from "./feed_context.js";
import { feedPause, startFeed } from "./polling.js";
import { firstAnswer } from "./prerendered.js";

export const EventsFeed = createFeed((push, base) =>
  startFeed({
    base,
    push,
    ask: (signal) => firstAnswer("/api/events", signal),
    take: ({ body, skew }) => {
      /** @type {import("./types").SurgeEvent[]} */
      const events = Array.isArray(body) ? body : body.events;
      const views = events.map((event) => toEventView(event, skew));
      return [{ phase: "ready", events: nextFirst(views) }, feedPause(15)];
    },
  }),
);
