"""The browser's half of the feeds: small, plain functions; see `feed` for who uses them."""

from __future__ import annotations

# One request that never throws. `status` 0 means there was no usable answer.
# `skew` is the server's clock minus ours, so no countdown depends on a wrong clock.
CALL = """
const surgeSlug = () =>
  decodeURIComponent(window.location.pathname.split("/").filter(Boolean).at(-1) ?? "");
const surgeCall = async (method, path, signal, body) => {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), 10000);
  signal?.addEventListener("abort", () => late.abort(), { once: true });
  try {
    const answer = await fetch(new URL(path, getBackendURL(env.PING)), {
      method,
      credentials: "include",
      headers: {
        Accept: "application/json",
        ...(body ? { "Content-Type": "application/json" } : {}),
      },
      body: body && JSON.stringify(body),
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
  costs: event.tiers.some((tier) => tier.all_in_paise > 0),
  opens_in_seconds: event.sales_open_at
    ? Math.max(0, Math.ceil((Date.parse(event.sales_open_at) - Date.now() - skew) / 1000))
    : 0,
});
"""

# Asks, pushes, waits, asks again. The server sets the pace; on failure it backs off with
# jitter, so a server that comes back is not met by everybody at once, and it asks at once when
# the network, the page or the person comes back. One lost answer is no news: on a phone it
# happens all the time, and the next one is a second away.
FEED = """
const surgeSoon = (ms, then) => {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
};
const surgeFeed = (given) => {
  const { base, push, ask, take, fail = surgeFailed, after = surgeSoon, on = {} } = given;
  const over = new AbortController();
  let value = base;
  let failures = 0;
  let asking = null;
  let cancel = () => {};
  let due = 0;
  const put = (patch) => {
    if (over.signal.aborted) return;
    value = { ...value, ...patch };
    push(value);
  };
  const plan = (wait) => {
    cancel();
    due = wait === null ? Infinity : Date.now() + wait;
    cancel = wait === null ? () => {} : after(wait, () => run());
  };
  const halt = () => {
    asking?.abort();
    asking = null;
    plan(null);
  };
  const run = async ({ anew = false } = {}) => {
    if (over.signal.aborted || (asking && !anew)) return;
    halt();
    const mine = new AbortController();
    asking = mine;
    const answer = await ask(mine.signal, feed);
    if (asking !== mine || over.signal.aborted) return;
    asking = null;
    if (answer === null) return;
    const ok = answer.status >= 200 && answer.status < 300;
    failures = ok ? 0 : failures + 1;
    const [patch, wait] = ok
      ? take(answer, value, feed)
      : fail(answer, value, failures, feed);
    put(ok ? { offline: false, problem: "", ...patch } : patch);
    // `take` may have halted the feed for good, or asked anew.
    if (asking === null) plan(wait);
  };
  const feed = { put, run, halt, get: () => value };
  const listen = (target, name, handler) =>
    target.addEventListener(name, handler, { signal: over.signal });
  const back = () => {
    if (due !== Infinity || asking) run({ anew: true });
  };
  listen(document, "visibilitychange", () => {
    if (!document.hidden && (failures > 0 || Date.now() >= due)) back();
  });
  listen(document, "resume", back);
  listen(window, "online", back);
  listen(window, "offline", () => {
    if (due !== Infinity) put({ offline: true });
  });
  listen(window, "pageshow", (event) => {
    if (event.persisted) back();
  });
  listen(window, "surge:retry", () => run({ anew: true }));
  for (const [name, handler] of Object.entries(on)) {
    listen(window, name, (event) => handler(feed, event));
  }
  given.start?.(feed);
  run();
  return () => {
    over.abort();
    halt();
  };
};
const surgeWait = (answer, failures) =>
  answer.status === 429
    ? Math.max(1, answer.wait) * 1000 * (1 + Math.random() / 2)
    : Math.max(
        answer.wait * 1000,
        Math.min(12000, 1000 * 2 ** failures) * (0.5 + Math.random()),
      );
const surgeIsLost = (answer, failures) =>
  answer.status === 0 && (failures > 1 || !navigator.onLine);
const surgeFailed = (answer, value, failures) => {
  const wait = surgeWait(answer, failures);
  const problem = answer.body?.title ?? "";
  const isNew = ["loading", "crowded", "error"].includes(value.phase);
  if (answer.status === 404) return [{ phase: "missing", offline: false }, null];
  if (answer.status === 429) {
    return [{ phase: isNew ? "crowded" : value.phase, offline: false, problem }, wait];
  }
  if (answer.status === 0 && !surgeIsLost(answer, failures)) return [{}, wait];
  return [{ phase: isNew ? "error" : value.phase, offline: true, problem }, wait];
};
"""

# What the tabs of one browser tell each other about a line, and a tab after a reload itself.
# Without storage each tab stands alone, which costs nobody a place.
SHARED = """
const surgeShared = (slug) => {
  const key = `surge-line-${slug}`;
  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  };
  const write = (patch) => {
    try {
      localStorage.setItem(key, JSON.stringify({ ...read(), ...patch }));
    } catch {
      // Private windows may refuse.
    }
  };
  return { key, read, write };
};
"""

EVENTS = """
function SurgeEventsFeed({ base, push }) {
  useEffect(
    () =>
      surgeFeed({
        base,
        push,
        ask: (signal) => surgeFirst("/api/events", signal),
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

# An event before anybody sees it. Its button says why nothing happens.
PREVIEW = """
function SurgePreviewFeed({ base, push }) {
  useEffect(() => {
    const name = window.location.pathname.split("/").filter(Boolean).at(-2) ?? "";
    return surgeFeed({
      base,
      push,
      ask: (signal) => surgeCall("GET", `/api/admin/events/${name}/preview`, signal),
      take: ({ body, skew }, value) => [
        {
          phase: "ready",
          event: surgeEvent(body, skew),
          at: Date.now(),
          problem: value.problem,
        },
        document.hidden ? 60000 : 5000,
      ],
      on: {
        "surge:enter": (feed) =>
          feed.put({ problem: "This is a preview. Nothing can be bought here." }),
      },
    });
  }, []);
  return null;
}
"""

# "Get tickets" joins at once: below the cap nobody ever sees a queue. A check before joining is
# the waiting room's to show.
EVENT = """
function SurgeEventFeed({ base, push }) {
  useEffect(() => {
    const slug = surgeSlug();
    const name = encodeURIComponent(slug);
    const enter = async (feed) => {
      if (feed.get().busy) return;
      feed.put({ busy: true, problem: "" });
      surgeShared(slug).write({ left: 0 });
      const answer = await surgeCall("POST", `/api/queue/${name}`, undefined, surgeArrival());
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
      ask: (signal) => surgeFirst(`/api/events/${name}`, signal),
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
