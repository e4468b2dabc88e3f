// The feed of an event that its organizer previews.

import { toEventView } from "./event_view.js";
import { createFeed } from "./feed_context.js";
import { gettext } from "./language.js";
import { startFeed } from "./polling.js";
import { pathPart, request } from "./request.js";

/**
 * An event before it is public. Its button says why it does nothing.
 */
export const PreviewFeed = createFeed((push, base) => {
  const path = `/api/admin/events/${encodeURIComponent(pathPart(-2))}/preview`;
  return startFeed({
    base,
    push,
    ask: (signal) => request("GET", path, signal),
    take: ({ body, skew }, value) => [
      {
        phase: "ready",
        event: toEventView(body, skew),
        at: Date.now(),
        problem: value.problem,
      },
      document.hidden ? 60000 : 5000,
    ],
    on: {
      "surge:enter": (feed) =>
        feed.put({ problem: gettext("This is a preview. Nothing can be bought here.") }),
    },
  });
});
