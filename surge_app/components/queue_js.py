"""The browser's half of the waiting room: place, estimate, words, and the feed itself."""

from __future__ import annotations

# Position and estimate only ever improve, unless the server says why not: answers come from
# several workers whose views are up to a second apart, and who returns from a tunnel is let
# back in before those behind.
PLACE = """
const surgeFresh = 10 * 60 * 1000;
const surgePlace = (body, value, kept) => {
  const position = body.position ?? 0;
  const number = body.number ?? 0;
  const known = Date.now() - (kept.at ?? 0) < surgeFresh && kept.number === number ? kept : {};
  const before = value.number === number && value.position ? value.position : known.position;
  const free = !before || !position || body.note === "recalled";
  const place = free ? position : Math.min(before, position);
  const start = place ? Math.max(known.start ?? 0, value.joined_at, place) : 0;
  return {
    position: place,
    ahead: place ? place - 1 : 0,
    number,
    joined_at: start,
    progress: start > 1 ? 4 + (86 * (start - place)) / (start - 1) : place === 1 ? 90 : 4,
  };
};
const surgeMinutes = ({ low, high }) => {
  const from = Math.max(1, Math.round(low / 60));
  const to = Math.max(from, Math.round(high / 60));
  if (high < 60) return "< 1 min";
  if (from >= 120) return `${Math.floor(from / 60)}\\u2013${Math.ceil(to / 60)} h`;
  return from === to ? `${to} min` : `${from}\\u2013${to} min`;
};
// A little more is noise and is not shown; clearly more is news and is never shown without why.
const surgeEstimate = (body, value) => {
  const eta = body.eta_seconds;
  if (!eta) return { eta: "", eta_high: 0, eta_note: "" };
  const before = value.number === body.number ? value.eta_high : 0;
  const grew = before > 0 && eta.high > before;
  const why = body.note === "slower" ? body.note_text : "";
  if (grew && !why && eta.high < before * 1.25 + 30) return {};
  const plain = "It goes more slowly than it did, so this takes longer than we said.";
  return {
    eta: surgeMinutes(eta),
    eta_high: eta.high,
    eta_note: grew ? why || plain : why || (eta.high < before ? "" : value.eta_note),
  };
};
// Good news of one answer stays long enough to be read.
const surgeNote = (body, value) => {
  const { note, note_text, note_until } = value;
  const isKept = note === "recalled" && !body.note && Date.now() < note_until;
  if (isKept) return { note, note_text, note_until };
  return {
    note: body.note ?? "",
    note_text: body.note_text ?? "",
    note_until: Date.now() + 30000,
  };
};
// What a screen reader is told: at each change of state, near the head often, else each minute.
const surgeSpeech = () => {
  let last = { text: "", at: 0, phase: "" };
  return ({ phase, mood, position, note_text }) => {
    const shown = new Intl.NumberFormat("en-IN").format(position);
    const waiting = {
      next: "You are next.",
      held: `Your place in line is ${shown}. Every ticket is on hold right now.`,
    }[mood] ?? `Your place in line is ${shown}.`;
    const text = {
      waiting,
      admitted: "It is your turn. Taking you in.",
      paused: "The line is paused. Your place is kept.",
      scheduled: "The sale has not opened yet. This page takes you in by itself.",
      sold_out: "All tickets are sold.",
      ended: "The sale is over.",
      lost: note_text || "Your place was given up.",
      challenge: "A short check runs by itself before you join.",
      elsewhere: "It is your turn. It goes on in another tab.",
    }[phase] ?? "";
    const step = `${phase} ${mood}`;
    const pace = position && position <= 10 ? 5000 : 60000;
    if (step !== last.phase || (text !== last.text && Date.now() - last.at > pace)) {
      last = { text, at: Date.now(), phase: step };
    }
    return last.text;
  };
};
// The title is all one sees of a tab in the background, so it tells where one stands, and a dot
// marks what somebody who looks elsewhere should come back for.
const surgeTitle = ({ phase, mood, position, event }) => {
  const shown = new Intl.NumberFormat("en-IN").format(position);
  const [text, calls] = {
    waiting: [mood === "next" ? "You are next" : `${shown} in line`, mood === "next"],
    admitted: ["It is your turn", true],
    elsewhere: ["Your turn, in another tab", false],
    paused: [position ? `${shown} in line, paused` : "The line is paused", false],
    scheduled: ["Opens soon", false],
    sold_out: ["Sold out", true],
    lost: ["Your place was given up", true],
    left: ["You left the line", false],
    challenge: ["One check", false],
    ended: ["The sale is over", true],
  }[phase] ?? ["Waiting room", false];
  const mark = calls && document.hidden ? "\\u25cf " : "";
  document.title = `${mark}${text} · ${event.name || "Surge"}`;
};
"""

# The line. Joining is idempotent, so a reload joins again and finds its old number.
QUEUE = """
const surgeLinePhases = ["waiting", "paused", "scheduled", "admitted", "sold_out"];
const surgeLine = (push, base) => {
  const slug = surgeSlug();
  const name = encodeURIComponent(slug);
  const path = `/api/queue/${name}`;
  const me = `${Date.now()}-${Math.random()}`;
  const shared = surgeShared(slug);
  const caller = surgeCaller(slug);
  const timer = surgeTimer();
  const say = surgeSpeech();
  let joined = false;
  let entering = false;

  // A reload after leaving does not join again behind one's back; "Join again" and "Get
  // tickets" do.
  const hasLeft = () => Date.now() - (shared.read().left || 0) < 3600000;
  const learn = async (feed) => {
    const answer = await surgeCall("GET", `/api/events/${name}`);
    if (answer.status === 200) {
      feed.put({ known: true, event: surgeEvent(answer.body, answer.skew) });
      surgeTitle(feed.get());
    }
  };
  const tell = (feed, patch) => {
    feed.put(patch);
    feed.put({ said: say(feed.get()) });
    surgeTitle(feed.get());
  };
  const stop = (feed, patch) => {
    feed.halt();
    tell(feed, { offline: false, problem: "", asking: false, ...patch });
  };
  const ask = async (signal, feed) => {
    if (joined) return surgeCall("GET", path, signal);
    if (hasLeft()) {
      stop(feed, { phase: "left" });
      return null;
    }
    const slow = setTimeout(() => {
      if (feed.get().phase === "loading") feed.put({ phase: "joining" });
    }, 1500);
    const answer = await surgeJoin(
      (body) => surgeCall("POST", path, signal, body),
      (elapsed) => tell(feed, { phase: "challenge", checking: Math.round(elapsed / 1000) }),
      signal,
    );
    clearTimeout(slow);
    return answer;
  };

  // Being called leads one tab in: the one somebody looks at, else after a while the first to
  // put its name down. The others say so.
  const go = () => window.location.replace(`/book/${name}`);
  const enter = (feed, pass, isNew) => {
    if (entering) return;
    entering = true;
    // Let in at once: no page in between. Otherwise the good news may be read first.
    if (isNew) {
      shared.write({ entered: { pass, tab: me } });
      go();
      return;
    }
    const { event } = feed.get();
    const lead = () => {
      if (!entering || feed.get().phase !== "admitted") return;
      const other = shared.read().entered;
      if (other?.pass === pass && other.tab !== me) return stop(feed, { phase: "elsewhere" });
      shared.write({ entered: { pass, tab: me } });
      // A second tab may have written in the same moment; the later name stays.
      timer.after(1200, () => {
        const now = shared.read().entered ?? { tab: me };
        if (now.pass && now.pass !== pass) return;
        if (now.tab === me) go();
        else stop(feed, { phase: "elsewhere" });
      });
    };
    caller.call("It is your turn", `${event.name || "Your tickets"}: come in and choose.`);
    if (!document.hidden) return lead();
    const looked = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", looked);
      lead();
    };
    document.addEventListener("visibilitychange", looked);
    timer.after(Math.max(3000, feed.get().claim_seconds * 500), lead);
  };

  const lost = (feed, body, value) => {
    if (hasLeft()) return stop(feed, { phase: "left" });
    const missed = value.phase === "admitted";
    const sentence = missed
      ? "It was your turn, and nobody came in before it ended. It went to the next person."
      : "We did not hear from this page for too long, so your place went to the others.";
    entering = false;
    return stop(feed, { phase: "lost", note_text: body.note_text || sentence });
  };
  const take = ({ body, skew }, value, feed) => {
    const phase = body.state;
    const had = value.number > 0 || value.phase === "admitted";
    if (phase === "not_joined" && (body.note === "place_lost" || (joined && had))) {
      lost(feed, body, value);
      return [{}, null];
    }
    joined = phase !== "not_joined";
    // Nobody is in line without a number; so the next question is the wish for one.
    if (!joined) {
      const soon = 500 + Math.random() * 1500;
      return [{ phase: "joining" }, value.phase === "joining" ? body.retry_after_ms : soon];
    }
    const isNew = !surgeLinePhases.includes(value.phase);
    if (phase === "admitted" && isNew && !entering) {
      enter(feed, body.pass_expires_at, isNew);
      return [{}, 4000];
    }
    const place = surgePlace(body, value, shared.read());
    const isHeld = body.available === 0 && body.held > 0;
    const ends = Date.parse(body.pass_expires_at ?? "");
    const patch = {
      ...place,
      ...surgeEstimate(body, value),
      phase,
      mood: phase !== "waiting" ? "" : isHeld ? "held" : place.position === 1 ? "next" : "",
      waiting: Math.max(body.waiting ?? 0, place.position),
      available: body.available ?? 0,
      held: body.held ?? 0,
      message: body.message ?? "",
      ...surgeNote(body, value),
      rule: body.order?.rule ?? "fifo",
      commitment: body.order?.commitment ?? "",
      seed: body.order?.seed ?? "",
      early: body.order?.early ?? 0,
      opens_in_seconds: Math.ceil(
        (body.opens_in_ms ?? value.event.opens_in_seconds * 1000) / 1000,
      ),
      claim_seconds: ends ? Math.max(0, Math.round((ends - Date.now() - skew) / 1000)) : 0,
      tell: caller.mode(),
      stale: false,
      at: Date.now(),
    };
    shared.write({ number: place.number, position: place.position, start: place.joined_at,
      at: Date.now(), left: 0 });
    const next = { ...value, ...patch };
    surgeTitle(next);
    if (!value.known || (phase === "ended" && value.phase !== "ended")) learn(feed);
    if (phase === "admitted") {
      feed.put(patch);
      enter(feed, body.pass_expires_at, false);
    }
    if (["elsewhere", "left"].includes(feed.get().phase)) return [{}, null];
    const wait = Math.max(500, body.retry_after_ms ?? 5000);
    return [{ ...patch, said: say(next) }, phase === "ended" ? null : wait];
  };
  // What is known is kept, and dimmed; only who knows nothing yet sees a page about the trouble.
  const fail = (answer, value, failures, feed) => {
    const wait = surgeWait(answer, failures);
    const problem = answer.body?.title ?? "";
    const knows = surgeLinePhases.includes(value.phase);
    if (answer.status === 404 && !knows) return [{ phase: "missing" }, null];
    if (answer.status === 428) return [{ phase: "refused", problem }, null];
    const phase = { 0: "offline", 429: "crowded" }[answer.status] ?? "unavailable";
    if (phase === "offline" && !surgeIsLost(answer, failures)) return [{}, wait];
    const patch = { stale: true, problem, offline: phase === "offline" };
    return [knows ? patch : { ...patch, phase }, wait];
  };

  const again = (feed) => {
    joined = entering = false;
    shared.write({ left: 0, number: 0, position: 0 });
    feed.put({ phase: "joining", asking: false, position: 0, number: 0, joined_at: 0, note: "" });
    feed.run({ anew: true });
  };
  const leave = async (feed) => {
    feed.halt();
    feed.put({ leaving: true });
    const answer = await surgeCall("DELETE", path);
    if (answer.status === 204 || answer.status === 404) {
      shared.write({ left: Date.now(), number: 0, position: 0 });
      stop(feed, { phase: "left", leaving: false, position: 0, number: 0 });
    } else {
      feed.put({ leaving: false, problem: "No connection. You are still in line." });
      feed.run();
    }
  };
  // The other tabs of this browser share one place.
  const heard = (feed, { key }) => {
    const { phase } = feed.get();
    if (key !== shared.key || !surgeLinePhases.includes(phase)) return;
    const { entered, number, position } = shared.read();
    if (hasLeft()) return stop(feed, { phase: "left", position: 0, number: 0 });
    if (entered && entered.tab !== me && entered.tab !== heard.before) {
      entering = true;
      return stop(feed, { phase: "elsewhere" });
    }
    const value = feed.get();
    if (number === value.number && position > 0 && position < value.position) {
      tell(feed, surgePlace({ number, position }, value, {}));
    }
  };
  heard.before = shared.read().entered?.tab;

  const end = surgeFeed({
    base: { ...base, tell: caller.mode() },
    push,
    ask,
    take,
    fail,
    after: timer.after,
    start: learn,
    on: {
      storage: heard,
      visibilitychange: (feed) => surgeTitle(feed.get()),
      "surge:opened": (feed) => timer.after(Math.random() * 1500, feed.run),
      "surge:late": (feed) => feed.run({ anew: true }),
      "surge:join": again,
      "surge:leave": leave,
      "surge:ask": (feed) => feed.put({ asking: !feed.get().asking }),
      "surge:tell": async (feed) => feed.put({ tell: await caller.toggle() }),
    },
  });
  return () => {
    end();
    timer.end();
  };
};
function SurgeQueueFeed({ base, push }) {
  useEffect(() => surgeLine(push, base), []);
  return null;
}
"""
