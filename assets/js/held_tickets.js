// What this browser holds, so that every page can lead back to it. The server decides what is
// held; this only remembers where to ask.

import { createElement as h, useEffect, useState } from "react";
import { formatClock } from "./formatting.js";
import { gettext } from "./language.js";
import { pathPart, request } from "./request.js";
import { load, save } from "./storage.js";

/** @typedef {{slug: string, name: string, tickets: string, ends: number}} Hold */

const KEY = "surge-holds";

/** @param {Hold} hold */
const held = ({ tickets }) => gettext("{tickets} held for you", { tickets });

/** @returns {Hold[]} */
const holds = () => load(KEY, /** @type {Hold[]} */ ([])).filter(({ ends }) => ends > Date.now());

/**
 * Forget what this browser held of an event.
 * @param {string} slug
 */
export const forgetHold = (slug) =>
  save(
    KEY,
    holds().filter((hold) => hold.slug !== slug),
  );

/**
 * Remember the hold of the checkout; none if `seconds` is 0.
 * @param {{slug: string, name: string, tickets: string, seconds: number, stamp: number}} props
 */
export function HoldRecord({ slug, name, tickets, seconds, stamp }) {
  useEffect(() => {
    if (!slug) return;
    const others = holds().filter((hold) => hold.slug !== slug);
    const own = { slug, name, tickets, ends: Date.now() + seconds * 1000 };
    save(KEY, seconds > 0 ? [...others, own] : others);
  }, [slug, name, tickets, seconds, stamp]);
  return null;
}

/**
 * Show what this browser holds, with its clock and the way back.
 * @param {{slug?: string}} props of one event, or of all
 */
export function HeldTickets({ slug = "" }) {
  const [now, setNow] = useState(0);
  useEffect(() => {
    const tick = () => setNow(Date.now());
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, []);
  if (!now) return null;
  return holds()
    .filter((hold) => !slug || hold.slug === slug)
    .map((hold) =>
      h(
        "div",
        { className: "notice warn", key: hold.slug },
        h("p", { className: "title" }, slug ? held(hold) : hold.name),
        h(
          "p",
          { className: "number", role: "timer" },
          [
            ...(slug ? [] : [held(hold)]),
            gettext("{time} left", { time: formatClock(Math.ceil((hold.ends - now) / 1000)) }),
          ].join(" · "),
        ),
        h(
          "a",
          { className: "link strong", href: `/book/${hold.slug}` },
          gettext("Back to your tickets"),
        ),
      ),
    );
}

/** Show how long the turn of a visitor is held whose checkout cannot connect. */
export function HeldTurn() {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let timer;
    let isOver = false;
    request("GET", `/api/queue/${encodeURIComponent(pathPart())}`).then(({ body, skew }) => {
      const ends = Date.parse(body?.pass_expires_at ?? "") - skew;
      const tick = () => setLeft(Math.max(0, Math.ceil((ends - Date.now()) / 1000)));
      if (ends && !isOver) timer = setInterval(tick, 500);
    });
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, []);
  return left > 0
    ? h(
        "p",
        { className: "strong number", role: "timer" },
        `${gettext("Your turn is held for")} ${formatClock(left)}`,
      )
    : null;
}

/** The tickets of a booking whose page cannot connect. */
export function TicketFile() {
  const path = `/bookings/${encodeURIComponent(pathPart())}`;
  return h(
    "p",
    { className: "row" },
    h("a", { className: "button", href: `${path}/tickets` }, gettext("Show tickets")),
    h("a", { className: "button", href: `/api${path}/tickets.pdf` }, gettext("Tickets as PDF")),
  );
}
