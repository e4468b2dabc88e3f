// The feed of one event.

import { arrival } from "./arrival.js";
import { toEventView } from "./event_view.js";
import { createFeed } from "./feed_context.js";
import { gettext, inLanguage } from "./language.js";
import { feedPause, startFeed } from "./polling.js";
import { firstAnswer } from "./prerendered.js";
import { pathPart, request } from "./request.js";
import { sharedQueue } from "./storage.js";
import { countVisit } from "./visit.js";

/**
 * "Get tickets" joins at once: below the limit no visitor ever sees a queue. A check before
 * joining is left to the waiting room.
 */
export const EventFeed = createFeed((push, base) => {
  const slug = pathPart();
  const name = encodeURIComponent(slug);
  /** @param {import("./types").Feed} feed */
  const enter = async (feed) => {
    if (feed.get().busy) return;
    feed.put({ busy: true, problem: "" });
    sharedQueue(slug).write({ left: 0, leaving: 0 });
    const answer = await request("POST", `/api/queue/${name}`, undefined, arrival());
    const state = answer.body?.state;
    if (state === "admitted") return window.location.assign(`/book/${name}`);
    if (answer.status === 428 || ["waiting", "paused", "scheduled"].includes(state)) {
      return window.location.assign(`/queue/${name}`);
    }
    const problem = answer.status
      ? (answer.body?.title ?? "")
      : gettext("No connection. Check your network, then press again.");
    feed.put({ busy: false, problem });
    if (answer.status < 400 && answer.status) feed.run();
  };
  countVisit(slug);
  return startFeed({
    base,
    push,
    ask: (signal) => firstAnswer(inLanguage(`/api/events/${name}`), signal),
    take: ({ body, skew }, value) => {
      document.title = `${body.name} · Surge`;
      const problem = value.busy ? "" : value.problem;
      const event = toEventView(body, skew);
      return [{ phase: "ready", event, at: Date.now(), problem }, feedPause(10)];
    },
    on: {
      "surge:enter": enter,
      // Back from the next page, out of the browser's cache: the button must work again.
      pageshow: (feed, event) => {
        if (event.persisted) feed.put({ busy: false });
      },
      "surge:opened": (feed) => setTimeout(feed.run, Math.random() * 1500),
    },
  });
});
