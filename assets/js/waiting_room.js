// The feed of the waiting room. Joining is idempotent, so a reload joins again and finds its old
// queue number.

import { backendUrl } from "./backend.js";
import { createTimer } from "./background_timer.js";
import { backoff, isConnectionLost } from "./backoff.js";
import { toEventView, withStock } from "./event_view.js";
import { createFeed } from "./feed_context.js";
import { forgetHold } from "./held_tickets.js";
import { gettext, inLanguage, translated } from "./language.js";
import { startFeed } from "./polling.js";
import { join } from "./proof_of_work.js";
import { createPublicQueue } from "./public_queue.js";
import { createAnnouncer, queueTitle } from "./queue_announcements.js";
import { estimateFrom, noteFrom, oddsFrom, phaseFrom, positionFrom } from "./queue_progress.js";
import { pathPart, request } from "./request.js";
import { receiptKey, save, sharedQueue } from "./storage.js";
import { createTurnAlert } from "./turn_alert.js";
import { countVisit } from "./visit.js";

/**
 * @typedef {import("./types").Answer} Answer
 * @typedef {import("./types").Feed} Feed
 * @typedef {import("./types").FeedValue} FeedValue
 * @typedef {import("./types").Outcome} Outcome
 */

const MISSING_AFTER = 2;
const IN_QUEUE = ["waiting", "paused", "scheduled", "admitted", "sold_out"];
const LEFT_MS = 3600000;
// Longer than a request lasts.
const LEAVING_MS = 15000;
const missed = () =>
  gettext(
    "It was your turn, but you did not come in before it ended. It went to the next visitor.",
  );
const silent = () =>
  gettext("This page was not connected for too long, so your position went to the others.");

/**
 * @param {Answer} answer
 * @param {FeedValue} value
 * @param {import("./storage.js").QueueRecord} record
 */
const readAnswer = ({ body, skew }, value, record) => {
  const place = positionFrom(body, value, record);
  const phase = phaseFrom(body, value);
  const isHeld = body.available === 0 && body.held > 0;
  const ends = Date.parse(body.pass_expires_at ?? "");
  const mood = isHeld ? "held" : place.position === 1 ? "next" : "";
  return {
    ...place,
    ...estimateFrom(body, value),
    ...noteFrom(body, value),
    odds: oddsFrom(body),
    phase,
    mood: phase === "waiting" ? mood : "",
    waiting: Math.max(body.waiting ?? 0, place.position),
    event: withStock(value.event, body.by_tier ?? [], body.held ?? 0),
    available: body.available ?? 0,
    held: body.held ?? 0,
    message: body.message ?? "",
    rule: body.order?.rule ?? "fifo",
    commitment: body.order?.commitment ?? "",
    seed: body.order?.seed ?? "",
    early: body.order?.early ?? 0,
    opens_in_seconds: Math.ceil((body.opens_in_ms ?? value.event.opens_in_seconds * 1000) / 1000),
    claim_seconds: ends ? Math.max(0, Math.round((ends - Date.now() - skew) / 1000)) : 0,
    stale: false,
    at: Date.now(),
  };
};

/**
 * Keep what is known, dimmed; only a visitor who has nothing yet sees a page about the trouble.
 * @param {Answer} answer
 * @param {FeedValue} value
 * @param {number} failures
 * @returns {Outcome}
 */
const fail = (answer, value, failures) => {
  const wait = backoff(answer, failures);
  const problem = answer.body?.title ?? "";
  const isKnown = IN_QUEUE.includes(value.phase);
  // A queue that has lost its memory knows its events again after a second.
  if (answer.status === 404 && !isKnown && failures > MISSING_AFTER)
    return [{ phase: "missing" }, null];
  if (answer.status === 428) return [{ phase: "refused", problem }, null];
  const phase = answer.status === 0 ? "offline" : answer.status === 429 ? "crowded" : "unavailable";
  if (phase === "offline" && !isConnectionLost(answer, failures)) return [{}, wait];
  const patch = { stale: true, problem, offline: phase === "offline" };
  return [isKnown ? patch : { ...patch, phase }, wait];
};

/** @param {Answer} answer */
const lacksCookie = ({ body }) => body?.note === "cookie_required";

/**
 * @param {import("./types").Push} push
 * @param {FeedValue} base
 */
const startWaitingRoom = (push, base) => {
  const slug = pathPart();
  const name = encodeURIComponent(slug);
  const path = `/api/queue/${name}`;
  countVisit(slug);
  const me = `${Date.now()}-${Math.random()}`;
  const shared = sharedQueue(slug);
  const turnAlert = createTurnAlert(slug);
  const timer = createTimer();
  const announcement = createAnnouncer();
  const publicQueue = createPublicQueue((tail, signal) =>
    request("GET", `${path}/${tail}`, signal, undefined, "omit"),
  );
  let joined = false;
  let entering = false;
  let isFetching = false;

  // A reload after leaving does not join again unasked; "Join again" and "Get tickets" do.
  const hasLeft = () => Date.now() - (shared.read().left || 0) < LEFT_MS;
  const isLeaving = () => Date.now() - (shared.read().leaving || 0) < LEAVING_MS;
  /** @param {FeedValue} value */
  const setTitle = (value) => {
    document.title = queueTitle(value, document.hidden);
  };
  /** @param {Feed} feed */
  const fetchEvent = async (feed) => {
    isFetching = true;
    const answer = await request("GET", inLanguage(`/api/events/${name}`));
    isFetching = false;
    if (answer.status === 200) {
      feed.put({ known: true, event: toEventView(answer.body, answer.skew) });
      setTitle(feed.get());
    }
  };
  /**
   * @param {Feed} feed
   * @param {FeedValue} patch
   */
  const announce = (feed, patch) => {
    feed.put(patch);
    feed.put({ said: announcement(feed.get()) });
    setTitle(feed.get());
  };
  /**
   * @param {Feed} feed
   * @param {FeedValue} patch
   */
  const stop = (feed, patch) => {
    feed.halt();
    announce(feed, { offline: false, problem: "", asking: false, ...patch });
  };

  /**
   * @param {AbortSignal} signal
   * @param {Feed} feed
   */
  const ask = async (signal, feed) => {
    if (joined) {
      const answer = await publicQueue.ask(signal, feed.get().number);
      return answer ?? request("GET", path, signal);
    }
    if (hasLeft()) {
      stop(feed, { phase: "left" });
      return null;
    }
    const slow = setTimeout(() => {
      if (feed.get().phase === "loading") feed.put({ phase: "joining" });
    }, 1500);
    const attempt = () =>
      join(
        (body) => request("POST", path, signal, { ...body, keeps_cookies: true }),
        (elapsed) => announce(feed, { phase: "challenge", checking: Math.round(elapsed / 1000) }),
        signal,
      );
    let answer = await attempt();
    // The first answer sets the cookie that names this browser; only one that comes back joins.
    if (lacksCookie(answer)) answer = await attempt();
    clearTimeout(slow);
    if (!lacksCookie(answer)) return answer;
    stop(feed, { phase: "cookieless" });
    return null;
  };

  // Being called leads one tab in: the visible one, or after a while the first to put its name
  // down. The others say so.
  const openCheckout = () => window.location.replace(`/book/${name}`);
  /**
   * @param {Feed} feed
   * @param {string | null | undefined} pass
   */
  const claim = (feed, pass) => {
    if (!entering || feed.get().phase !== "admitted") return;
    const other = shared.read().entered;
    if (other?.pass === pass && other?.tab !== me) return stop(feed, { phase: "elsewhere" });
    shared.write({ entered: { pass, tab: me } });
    // A second tab may have written in the same moment; the later name stays.
    timer.after(1200, () => {
      const now = shared.read().entered ?? { pass: undefined, tab: me };
      if (now.pass && now.pass !== pass) return;
      if (now.tab === me) openCheckout();
      else stop(feed, { phase: "elsewhere" });
    });
  };
  /**
   * @param {Feed} feed
   * @param {string | null | undefined} pass
   * @param {boolean} isNew
   */
  const enter = (feed, pass, isNew) => {
    if (entering) return;
    entering = true;
    // Admitted at once: no page in between. Otherwise the good news may be read first.
    if (isNew) {
      shared.write({ entered: { pass, tab: me } });
      return openCheckout();
    }
    const { event, claim_seconds: seconds } = feed.get();
    const name = event.name || gettext("Your tickets");
    turnAlert.call(
      gettext("It is your turn"),
      gettext("{event}: come in and choose.", { event: name }),
    );
    if (!document.hidden) return claim(feed, pass);
    const onVisible = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", onVisible);
      claim(feed, pass);
    };
    document.addEventListener("visibilitychange", onVisible);
    timer.after(Math.max(3000, seconds * 500), () => claim(feed, pass));
  };

  /**
   * @param {Feed} feed
   * @param {FeedValue} value
   * @param {string} [reason]
   */
  const lose = (feed, value, reason) => {
    // The server may tell one tab before it has answered the tab that leaves.
    if (isLeaving()) shared.write({ left: Date.now(), leaving: 0 });
    if (hasLeft()) return stop(feed, { phase: "left" });
    entering = false;
    const sentence = value.phase === "admitted" ? missed() : silent();
    return stop(feed, { phase: "lost", note_text: translated(reason) || sentence });
  };
  /**
   * @param {Answer} answer
   * @param {FeedValue} value
   * @param {Feed} feed
   * @returns {Outcome}
   */
  const take = (answer, value, feed) => {
    const { body } = answer;
    const phase = body.state;
    if (body.note === "moved") {
      entering = false;
      shared.write({ number: 0, position: 0 });
      forgetHold(slug);
      stop(feed, { phase: "moved", position: 0, number: 0 });
      return [{}, null];
    }
    const wasIn = value.number > 0 || value.phase === "admitted";
    if (phase === "not_joined" && (body.note === "place_lost" || (joined && wasIn))) {
      lose(feed, value, body.note_text);
      return [{}, null];
    }
    joined = phase !== "not_joined";
    // No visitor is in the queue without a number; so the next request asks for one.
    if (!joined) {
      const soon = 500 + Math.random() * 1500;
      return [{ phase: "joining" }, value.phase === "joining" ? body.retry_after_ms : soon];
    }
    const isNew = !IN_QUEUE.includes(value.phase);
    if (phase === "admitted" && isNew && !entering) {
      enter(feed, body.pass_expires_at, isNew);
      return [{}, 4000];
    }
    const patch = { ...readAnswer(answer, value, shared.read()), tell: turnAlert.mode() };
    const { number, position, joined_at: start, at } = patch;
    shared.write({ number, position, start, at });
    const next = { ...value, ...patch };
    setTitle(next);
    const isMissing = !value.known && !isFetching;
    if (isMissing || (phase === "ended" && value.phase !== "ended")) fetchEvent(feed);
    if (phase === "admitted") {
      feed.put(patch);
      enter(feed, body.pass_expires_at, false);
    }
    if (["elsewhere", "left"].includes(feed.get().phase)) return [{}, null];
    const wait = Math.max(500, body.retry_after_ms ?? 5000);
    return [{ ...patch, said: announcement(next) }, phase === "ended" ? null : wait];
  };

  /** @param {Feed} feed */
  const joinAgain = async (feed) => {
    // Only one who has left may take a new place beside the one on the other device.
    if (feed.get().phase === "moved") await request("DELETE", path);
    joined = entering = false;
    shared.write({ left: 0, leaving: 0, number: 0, position: 0 });
    feed.put({ phase: "joining", asking: false, position: 0, number: 0, joined_at: 0, note: "" });
    feed.run({ anew: true });
  };
  /** @param {Feed} feed */
  const leave = async (feed) => {
    feed.halt();
    feed.put({ leaving: true });
    shared.write({ leaving: Date.now() });
    const { status } = await request("DELETE", path);
    const isGone = status === 204 || status === 404;
    // Another tab may have joined again since.
    const isAnew = shared.read().leaving === 0 && !hasLeft();
    if (isGone && !isAnew) {
      shared.write({ left: Date.now(), leaving: 0, number: 0, position: 0 });
      stop(feed, { phase: "left", leaving: false, position: 0, number: 0 });
    } else {
      // Without an answer it may have arrived all the same; then the next poll says so.
      if (status !== 0) shared.write({ leaving: 0 });
      const problem = isGone ? "" : gettext("No connection. You are still in the queue.");
      feed.put({ leaving: false, problem });
      feed.run();
    }
  };
  const enteredBefore = shared.read().entered?.tab;
  /**
   * Follow the other tabs of this browser, which share one place.
   * @param {Feed} feed
   * @param {StorageEvent} event
   */
  const followTabs = (feed, { key }) => {
    const value = feed.get();
    if (key !== shared.key || !IN_QUEUE.includes(value.phase)) return;
    const { entered, number, position = 0 } = shared.read();
    if (hasLeft()) return stop(feed, { phase: "left", position: 0, number: 0 });
    if (entered && entered.tab !== me && entered.tab !== enteredBefore) {
      entering = true;
      return stop(feed, { phase: "elsewhere" });
    }
    if (number === value.number && position > 0 && position < value.position) {
      announce(feed, positionFrom({ number, position }, value, {}));
    }
  };

  // The link saves it as a file; the page that checks the log reads what is kept here.
  const keepReceipt = async () => {
    const answer = await fetch(backendUrl(`${path}/receipt`)).catch(() => null);
    if (answer?.ok) save(receiptKey(slug), (await answer.text()).trim());
  };

  const end = startFeed({
    base: { ...base, tell: turnAlert.mode() },
    push,
    ask: async (signal, feed) => publicQueue.follow(await ask(signal, feed)),
    take,
    fail,
    after: timer.after,
    start: fetchEvent,
    on: {
      storage: followTabs,
      visibilitychange: (feed) => setTitle(feed.get()),
      "surge:opened": (feed) => timer.after(Math.random() * 1500, feed.run),
      "surge:late": (feed) => feed.run({ anew: true }),
      "surge:join": joinAgain,
      "surge:leave": leave,
      "surge:receipt": keepReceipt,
      "surge:ask": (feed) => feed.put({ asking: !feed.get().asking }),
      "surge:tell": async (feed) => feed.put({ tell: await turnAlert.toggle() }),
    },
  });
  return () => {
    end();
    timer.end();
  };
};

export const QueueFeed = createFeed(startWaitingRoom);
