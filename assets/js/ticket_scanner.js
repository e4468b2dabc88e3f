// The page of the check-in: result, camera, search by hand.

import { Fragment, createElement as h, useEffect, useRef, useState } from "react";
import { useCheckIn, useSearch } from "./check_in.js";
import { useKeyboardScanner } from "./keyboard_scanner.js";
import { gettext, language, ngettext } from "./language.js";
import { useQrCamera } from "./qr_camera.js";

/**
 * @typedef {import("./check_in.js").Result} Result
 * @typedef {import("./check_in.js").Ticket} Ticket
 */

const SAME_CODE_MS = 4000;

const formatTime = (/** @type {string | null | undefined} */ at) =>
  at
    ? new Intl.DateTimeFormat(language().locale, { timeStyle: "medium" }).format(new Date(at))
    : "";

/** @type {Record<string, [tone: string, words: () => string]>} */
const VERDICTS = {
  admitted: ["good", () => gettext("Admit")],
  already: ["bad", () => gettext("Already inside")],
  void: ["bad", () => gettext("Not valid: refunded")],
  other_event: ["bad", () => gettext("For another event")],
  unknown: ["bad", () => gettext("Not one of our tickets")],
  unlisted: ["warn", () => gettext("Not on the list")],
  by_hand: ["warn", () => gettext("Scan the ticket")],
  undone: ["warn", () => gettext("Check-in undone")],
  not_undone: ["warn", () => gettext("Not undone: no connection")],
};

/** @param {{counts: import("./check_in.js").Counts | null, isOnline: boolean, pending: number}} props */
const Status = ({ counts, isOnline, pending }) => {
  const online = pending ? gettext("Sending {count}", { count: pending }) : gettext("Online");
  return h(
    "div",
    { className: "row apart" },
    h(
      "p",
      { className: "figure number", role: "status" },
      counts ? gettext("{inside} of {valid} inside", { ...counts }) : "–",
    ),
    h(
      "span",
      { className: `chip ${isOnline ? "good" : "warn"}` },
      isOnline ? online : gettext("Offline, {count} to send", { count: pending }),
    ),
  );
};

/**
 * The list moves with each result, so the second click of a double click meets another button.
 * @param {string} label
 * @param {() => void} act
 */
const button = (label, act) => {
  const onClick = (/** @type {import("react").MouseEvent} */ event) => {
    if (event.detail < 2) act();
  };
  return h("button", { type: "button", className: "button", onClick }, label);
};

/**
 * What can be done after a scan: the rest of the booking, and taking it back.
 * @param {{result: Result, submit: ReturnType<typeof useCheckIn>["submit"],
 *   undo: ReturnType<typeof useCheckIn>["undo"]}} props
 */
const NextSteps = ({ result, submit, undo }) => {
  const others = result.others ?? [];
  const admitOthers = () => submit(...others.map((id) => ({ ticket_id: id })));
  const admit = ngettext(
    "Admit the other ticket of this booking",
    "Admit the other {count} tickets of this booking",
    others.length,
  );
  return h(
    "div",
    { className: "row" },
    // It keeps its place when the others are in.
    result.undo?.length ? button(gettext("Undo"), () => undo(result)) : null,
    others.length ? button(admit, admitOthers) : null,
  );
};

/** @param {{result: Result | null, listedAt: string}} props */
const Verdict = ({ result, listedAt }) => {
  const [tone, title] = result ? VERDICTS[result.verdict] : ["", () => ""];
  const several = result?.verdict === "admitted" && (result.number ?? 1) > 1;
  const words = several ? `${title()} ${result?.number}` : title();
  const offline =
    result?.verdict === "by_hand"
      ? gettext("Offline, only codes can be checked.")
      : gettext("Checked offline, against the list of {time}", { time: formatTime(listedAt) });
  return h(
    "section",
    { className: `scan-result ${tone}`, role: "alert", "aria-live": "assertive" },
    result
      ? h(
          Fragment,
          null,
          h("p", { className: "display" }, words),
          h("p", null, [result.name, result.tier].filter(Boolean).join(" · ")),
          result.verdict === "already" && result.gate
            ? h("p", null, `${result.gate}, ${formatTime(result.checked_in_at)}`)
            : null,
          result.offline ? h("p", { className: "small" }, offline) : null,
        )
      : h("p", { className: "muted" }, gettext("Scan a ticket, or search for a name.")),
  );
};

/** @param {{onCode: (text: string) => void}} props */
const Camera = ({ onCode }) => {
  const { camera, setCamera, video } = useQrCamera(onCode);
  const isOn = camera === "on";
  return h(
    "section",
    { className: "card" },
    h("video", { ref: video, className: "finder", playsInline: true, muted: true, hidden: !isOn }),
    camera === "refused"
      ? h(
          "p",
          { className: "complaint" },
          gettext("The camera cannot be used. Allow it for this page, or search for a name below."),
        )
      : null,
    h(
      "button",
      {
        type: "button",
        className: `button full ${isOn ? "" : "primary"}`,
        onClick: () => setCamera(isOn ? "off" : "on"),
      },
      isOn ? gettext("Stop the camera") : gettext("Scan with the camera"),
    ),
  );
};

/**
 * @param {{id: string, label: string, value: string, onChange: (value: string) => void}
 *   & Omit<import("react").InputHTMLAttributes<HTMLInputElement>, "onChange">} props
 */
const Field = ({ id, label, onChange, ...props }) =>
  h(
    "div",
    { className: "field" },
    h("label", { htmlFor: id, className: "label" }, label),
    h("input", {
      id,
      className: "input",
      onChange: (/** @type {import("react").ChangeEvent<HTMLInputElement>} */ event) =>
        onChange(event.target.value),
      ...props,
    }),
  );

/** @param {Ticket} ticket */
const canComeIn = (ticket) => ticket.is_valid && !ticket.checked_in_at;

/** @param {{ticket: Ticket, onAdmit: () => void}} props */
const TicketRow = ({ ticket, onAdmit }) => {
  const { name, tier, ticket: number, is_valid: isValid, gate, checked_in_at: at } = ticket;
  const chip = at ? `${gate}, ${formatTime(at)}` : "";
  return h(
    "li",
    { className: "row apart" },
    h(
      "div",
      { className: "stack tight grow" },
      h("span", { className: "strong" }, name),
      h("span", { className: "muted small number" }, `${tier} · ${number}`),
    ),
    canComeIn(ticket)
      ? button(gettext("Admit"), onAdmit)
      : h("span", { className: "chip off" }, isValid ? chip : gettext("Refunded")),
  );
};

/**
 * The tickets that were found, those of a booking together.
 * @param {{found: Ticket[], submit: ReturnType<typeof useCheckIn>["submit"]}} props
 */
const Found = ({ found, submit }) => {
  const bookings = [...new Set(found.map(({ booking }) => booking))];
  const rows = bookings.flatMap((booking) => {
    const tickets = found.filter((ticket) => ticket.booking === booking);
    const open = tickets.filter(canComeIn);
    const admitAll = () => submit(...open.map(({ id }) => ({ ticket_id: id })));
    const all = h(
      "li",
      { key: booking, className: "row apart" },
      h(
        "span",
        { className: "strong grow" },
        ngettext("{count} ticket of one booking", "{count} tickets of one booking", tickets.length),
      ),
      button(gettext("Admit all {count}", { count: open.length }), admitAll),
    );
    return [
      ...(open.length > 1 ? [all] : []),
      ...tickets.map((ticket) =>
        h(TicketRow, { key: ticket.id, ticket, onAdmit: () => submit({ ticket_id: ticket.id }) }),
      ),
    ];
  });
  return h("ul", { className: "plain-list" }, ...rows);
};

/** Cameras and digests are for pages on https only. */
const useIsSecure = () => {
  const [isSecure, setSecure] = useState(true);
  useEffect(() => setSecure(window.isSecureContext), []);
  return isSecure;
};

const Insecure = () =>
  h(
    "p",
    { className: "notice warn" },
    gettext(
      "This page is not on https, so the camera and offline checks do not work. Scanners that type, and the search, work. Open the page with https:// to use all of it.",
    ),
  );

/** @param {{clashes: Result[]}} props */
const Clashes = ({ clashes }) =>
  h(
    "section",
    { className: "notice warn" },
    h("p", { className: "title" }, gettext("Admitted here while offline, but already inside")),
    ...clashes.map(({ scan_id: id, name, ref, verdict, gate, checked_in_at: at }) =>
      h(
        "p",
        { key: id, className: "small" },
        [name, ref, VERDICTS[verdict][1](), gate, formatTime(at)].filter(Boolean).join(" · "),
      ),
    ),
  );

/** @param {{slug: string}} props */
export function TicketScanner({ slug }) {
  const checkIn = useCheckIn(slug);
  const { query, setQuery, found } = useSearch(checkIn.call, checkIn.counts?.inside);
  const last = useRef({ text: "", at: 0 });
  // A code stays in view for a while; it counts once.
  const onCode = (/** @type {string} */ text) => {
    const at = Date.now();
    const isSame = text === last.current.text && at - last.current.at < SAME_CODE_MS;
    last.current = { text, at };
    if (!isSame) checkIn.submit({ text });
  };
  useKeyboardScanner((text) => checkIn.submit({ text }));
  const isSecure = useIsSecure();
  const { result, submit, undo } = checkIn;
  return h(
    Fragment,
    null,
    isSecure ? null : h(Insecure),
    h(Status, {
      counts: checkIn.counts,
      isOnline: checkIn.isOnline,
      pending: checkIn.pending.length,
    }),
    h(Field, {
      id: "gate",
      label: gettext("Gate name"),
      maxLength: 40,
      placeholder: gettext("Entrance"),
      value: checkIn.gate,
      onChange: checkIn.renameGate,
    }),
    h(Verdict, { result, listedAt: checkIn.listedAt }),
    result ? h(NextSteps, { result, submit, undo }) : null,
    h(Camera, { onCode }),
    h(
      "section",
      { className: "card" },
      h(Field, {
        id: "find-ticket",
        label: gettext("Search"),
        type: "search",
        autoComplete: "off",
        placeholder: gettext("Name, or whole email, mobile or SRG-…"),
        value: query,
        onChange: setQuery,
      }),
      h(Found, { found, submit }),
    ),
    checkIn.clashes.length ? h(Clashes, { clashes: checkIn.clashes }) : null,
  );
}
