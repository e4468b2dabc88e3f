"""The browser's half of the feeds: small, plain functions; see `feed` for who uses them."""

from __future__ import annotations

# One request that never throws. `status` 0 means there was no usable answer.
# `skew` is the server's clock minus ours, so no countdown depends on a wrong clock.
CALL = """
const surgeSlug = () =>
  decodeURIComponent(window.location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const surgeCall = async (method, path, signal) => {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), 10000);
  signal?.addEventListener("abort", () => late.abort(), { once: true });
  try {
    const answer = await fetch(new URL(path, getBackendURL(env.PING)), {
      method,
      credentials: "include",
      headers: { Accept: "application/json" },
      signal: late.signal,
    });
    const text = await answer.text();
    const served = Date.parse(answer.headers.get("date") ?? "");
    return {
      status: answer.status,
      body: text ? JSON.parse(text) : {},
      wait: Number(answer.headers.get("retry-after")) || 0,
      skew: Number.isNaN(served) ? 0 : served - Date.now(),
    };
  } catch {
    return { status: 0, body: {}, wait: 0, skew: 0 };
  } finally {
    clearTimeout(timer);
  }
};
// "From" is a price one can still pay, as long as there is one.
const surgeFrom = (tiers) => {
  const open = tiers.filter((tier) => tier.available > 0 && tier.status !== "ended");
  return Math.min(...(open.length ? open : tiers).map((tier) => tier.all_in_paise));
};
const surgeEvent = (event, skew) => ({
  ...event,
  tiers: event.tiers.map((tier) => ({
    ...tier,
    sales_open_at: tier.sales_open_at ?? "",
    max_per_booking: tier.max_per_booking ?? 0,
  })),
  from_paise: surgeFrom(event.tiers),
  opens_in_seconds: event.sales_open_at
    ? Math.max(0, Math.ceil((Date.parse(event.sales_open_at) - Date.now() - skew) / 1000))
    : 0,
});
"""

# Asks, pushes, waits, asks again. The server sets the pace; on failure it backs off with
# jitter, so a server that comes back is not met by everybody at once. A hidden tab keeps
# polling (its place depends on it); the browser slows it down by itself.
FEED = """
const surgeFeed = ({ base, push, ask, take, start = () => {}, on = {} }) => {
  const over = new AbortController();
  let value = base;
  let failures = 0;
  let timer = 0;
  let due = 0;
  let running = false;
  const put = (patch) => {
    if (over.signal.aborted) return;
    value = { ...value, ...patch };
    push(value);
  };
  const failed = (answer) => {
    const fresh = ["loading", "crowded", "error"].includes(value.phase);
    const problem = answer.body?.title ?? "";
    if (answer.status === 404) return [{ phase: "missing", offline: false }, null];
    if (answer.status === 428) return [{ phase: "challenge", offline: false }, null];
    if (answer.status === 429) {
      const wait = Math.max(1, answer.wait) * 1000 * (1 + Math.random() / 2);
      return [{ phase: fresh ? "crowded" : value.phase, offline: false, problem }, wait];
    }
    failures += 1;
    const wait = Math.min(30000, 1000 * 2 ** failures) * (0.5 + Math.random());
    return [{ phase: fresh ? "error" : value.phase, offline: true, problem }, wait];
  };
  const run = async () => {
    clearTimeout(timer);
    if (running || over.signal.aborted) return;
    running = true;
    const answer = await ask(over.signal);
    running = false;
    if (over.signal.aborted || answer === null) return;
    const ok = answer.status >= 200 && answer.status < 300;
    if (ok) failures = 0;
    const [patch, wait] = ok ? take(answer, value) : failed(answer);
    put(ok ? { offline: false, problem: "", ...patch } : patch);
    due = wait === null ? Infinity : Date.now() + wait;
    if (wait !== null) timer = setTimeout(run, wait);
  };
  const listen = (target, name, handler) =>
    target.addEventListener(name, handler, { signal: over.signal });
  const feed = { put, run, get: () => value, halt: () => { clearTimeout(timer); due = Infinity; } };
  listen(document, "visibilitychange", () => {
    if (!document.hidden && Date.now() >= due) run();
  });
  listen(window, "online", () => { if (due !== Infinity) run(); });
  listen(window, "surge:retry", run);
  for (const [name, handler] of Object.entries(on)) {
    listen(window, name, (event) => handler(feed, event));
  }
  listen(window, "pageshow", (event) => { if (event.persisted) run(); });
  start(feed);
  run();
  return () => { over.abort(); clearTimeout(timer); };
};
"""

EVENTS = """
function SurgeEventsFeed({ base, push }) {
  useEffect(
    () =>
      surgeFeed({
        base,
        push,
        ask: (signal) => surgeCall("GET", "/api/events", signal),
        take: ({ body, skew }) => {
          const events = Array.isArray(body) ? body : body.events;
          return [
            { phase: "ready", events: events.map((event) => surgeEvent(event, skew)) },
            (document.hidden ? 60000 : 15000) * (0.8 + 0.4 * Math.random()),
          ];
        },
      }),
    [],
  );
  return null;
}
"""

# "Get tickets" joins at once: below the cap nobody ever sees a queue.
EVENT = """
function SurgeEventFeed({ base, push }) {
  useEffect(() => {
    const slug = surgeSlug();
    const name = encodeURIComponent(slug);
    const enter = async (feed) => {
      if (feed.get().busy) return;
      feed.put({ busy: true, problem: "" });
      const answer = await surgeCall("POST", `/api/queue/${name}`);
      const state = answer.body?.state;
      if (state === "admitted") return window.location.assign(`/book/${name}`);
      if (answer.status === 428 || ["waiting", "paused", "scheduled"].includes(state)) {
        return window.location.assign(`/queue/${name}`);
      }
      const problem = answer.status
        ? (answer.body?.title ?? "")
        : "No connection. Check your network, then press again.";
      feed.put({ busy: false, problem });
      if (answer.status < 400 && answer.status) feed.run();
    };
    return surgeFeed({
      base,
      push,
      ask: (signal) => surgeCall("GET", `/api/events/${name}`, signal),
      take: ({ body, skew }, value) => {
        document.title = `${body.name} · Surge`;
        return [
          {
            phase: "ready",
            event: surgeEvent(body, skew),
            at: Date.now(),
            problem: value.busy ? "" : value.problem,
          },
          (document.hidden ? 60000 : 10000) * (0.8 + 0.4 * Math.random()),
        ];
      },
      on: {
        "surge:enter": enter,
        // Back from the next page, out of the browser's cache: the button must work again.
        pageshow: (feed, event) => { if (event.persisted) feed.put({ busy: false }); },
        "surge:opened": (feed) => setTimeout(feed.run, Math.random() * 1500),
      },
    });
  }, []);
  return null;
}
"""

# The line. Joining is idempotent, so a reload joins again and finds its old number.
QUEUE = """
const surgeMinutes = (eta) => {
  if (!eta) return "";
  const low = Math.max(1, Math.round(eta.low / 60));
  const high = Math.max(low, Math.round(eta.high / 60));
  if (eta.high < 60) return "< 1 min";
  return low === high ? `${high} min` : `${low}\\u2013${high} min`;
};
const surgeRemember = (key, first) => {
  try {
    const kept = Number(sessionStorage.getItem(key)) || first;
    sessionStorage.setItem(key, String(Math.max(kept, first)));
    return Math.max(kept, first);
  } catch {
    return first;
  }
};
const surgePlace = (slug, body, value) => {
  const position = body.position ?? 0;
  const same = body.number === value.number && value.position > 0 && position > 0;
  const place = same ? Math.min(value.position, position) : position;
  const start = place ? surgeRemember(`surge-line-${slug}-${body.number}`, place) : 0;
  return {
    position: place,
    ahead: place ? place - 1 : 0,
    number: body.number ?? 0,
    joined_at: start,
    progress: start > 1 ? 4 + (86 * (start - place)) / (start - 1) : place === 1 ? 90 : 4,
  };
};
function SurgeQueueFeed({ base, push }) {
  useEffect(() => {
    const slug = surgeSlug();
    const name = encodeURIComponent(slug);
    let joined = false;
    let left = false;
    let spoken = { text: "", at: 0, phase: "" };
    const say = (phase, position) => {
      const text = {
        waiting: position === 1 ? "You are next." : `Your place in line is ${position}.`,
        admitted: "It is your turn. Taking you in.",
        paused: "The line is paused. Your place is kept.",
        sold_out: "All tickets are sold.",
      }[phase] ?? "";
      const pace = position && position <= 10 ? 5000 : 60000;
      if (phase !== spoken.phase || (text !== spoken.text && Date.now() - spoken.at > pace)) {
        spoken = { text, at: Date.now(), phase };
      }
      return spoken.text;
    };
    const take = ({ body }, value) => {
      // An answer that was on its way when the person left changes nothing.
      if (left) return [{}, null];
      const phase = body.state;
      joined = phase !== "not_joined";
      if (!joined) return [{}, 500 + Math.random() * 1500];
      if (phase === "admitted") {
        const go = () => window.location.replace(`/book/${name}`);
        // Let in at once: no page in between. Otherwise the good news may be read first.
        if (value.phase === "loading") {
          go();
          return [{}, null];
        }
        setTimeout(go, 1200);
      }
      const place = surgePlace(slug, body, value);
      const shown = new Intl.NumberFormat("en-IN").format(place.position);
      document.title =
        phase === "waiting" && place.position
          ? `${shown} · in line`
          : phase === "admitted" ? "Your turn" : "Waiting room";
      return [
        {
          ...place,
          phase,
          eta: surgeMinutes(body.eta_seconds),
          available: body.available ?? 0,
          held: body.held ?? 0,
          message: body.message ?? "",
          at: Date.now(),
          said: say(phase, place.position),
        },
        phase === "admitted" || phase === "ended"
          ? null
          : Math.max(500, body.retry_after_ms ?? 5000),
      ];
    };
    return surgeFeed({
      base,
      push,
      ask: (signal) => surgeCall(joined ? "GET" : "POST", `/api/queue/${name}`, signal),
      take,
      start: async (feed) => {
        const answer = await surgeCall("GET", `/api/events/${name}`);
        if (answer.status === 200) {
          feed.put({ known: true, event: surgeEvent(answer.body, answer.skew) });
        }
      },
      on: {
        "surge:opened": (feed) => setTimeout(feed.run, Math.random() * 1500),
        "surge:join": (feed) => {
          joined = left = false;
          feed.put({ phase: "loading" });
          feed.run();
        },
        "surge:leave": async (feed) => {
          feed.halt();
          left = true;
          const answer = await surgeCall("DELETE", `/api/queue/${name}`);
          if (answer.status === 204 || answer.status === 404) {
            document.title = "Waiting room";
            feed.put({ phase: "left", position: 0, said: "You left the line.", problem: "" });
          } else {
            left = false;
            feed.put({ problem: "No connection. You are still in line." });
            feed.run();
          }
        },
      },
    });
  }, []);
  return null;
}
"""
