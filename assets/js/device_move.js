// Continue on another device: a code to scan or to type, good for two minutes and one use.

import { createElement as h, useEffect, useRef, useState } from "react";
import { formatClock } from "./formatting.js";
import { gettext } from "./language.js";
import { request } from "./request.js";
import { load } from "./storage.js";

const POLL_MS = 2000;
const MAX_FIELDS = 40;
const MAX_LETTERS = 200;

/**
 * What was typed into the checkout so far; see `form_persistence.js`.
 * @param {string} slug
 */
const readTyped = (slug) => {
  const typed = Object.entries(
    load(`surge-form-${slug}`, /** @type {Record<string, string>} */ ({}), "session"),
  ).filter(([name, value]) => name && value && value.length <= MAX_LETTERS);
  return Object.fromEntries(typed.slice(0, MAX_FIELDS));
};

/** @typedef {{link: string, qr: string, code: string, ends: number}} Codes */

/** @param {{codes: Codes, left: number}} props `left` in seconds */
function CodeCard({ codes, left }) {
  const { host, pathname } = new URL(codes.link);
  return h(
    "div",
    { className: "stack" },
    h(
      "p",
      { className: "muted" },
      gettext("Scan this with the camera of your other device. Then press “Continue here” there."),
    ),
    h("img", { className: "qr", src: codes.qr, alt: gettext("QR code of the link") }),
    h(
      "p",
      { className: "muted" },
      gettext("Or open {address} there and type this code:", { address: `${host}${pathname}` }),
    ),
    h(
      "p",
      { className: "code", translate: "no" },
      `${codes.code.slice(0, 4)} ${codes.code.slice(4)}`,
    ),
    h(
      "p",
      { className: "small muted number", role: "timer" },
      gettext("Valid for {time}", { time: formatClock(left) }),
    ),
    h(
      "p",
      { className: "small muted" },
      gettext("Show it to no one else: it gives your place away. This page stops once it is used."),
    ),
  );
}

/** @param {{slug: string}} props */
export function DeviceMove({ slug }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [isOpen, setOpen] = useState(false);
  const [codes, setCodes] = useState(/** @type {Codes | null} */ (null));
  const [left, setLeft] = useState(0);
  const [problem, setProblem] = useState("");
  const name = encodeURIComponent(slug);
  const path = `/api/queue/${name}`;
  const make = async () => {
    setProblem("");
    setCodes(null);
    const answer = await request("POST", `${path}/move`, undefined, { typed: readTyped(slug) });
    if (answer.status === 201) {
      const { link, qr, code, valid_seconds: seconds } = answer.body;
      setLeft(seconds);
      setCodes({ link, qr, code, ends: Date.now() + seconds * 1000 });
    } else setProblem(answer.body?.title ?? gettext("No connection. Please try again."));
  };
  const open = () => {
    dialog.current?.showModal();
    setOpen(true);
    make();
  };
  const onClose = () => {
    setOpen(false);
    setCodes(null);
    // A code that no one sees any more opens nothing either.
    request("DELETE", `${path}/move`);
  };
  useEffect(() => {
    if (!codes) return;
    const tick = setInterval(
      () => setLeft(Math.max(0, Math.ceil((codes.ends - Date.now()) / 1000))),
      250,
    );
    return () => clearInterval(tick);
  }, [codes]);
  useEffect(() => {
    if (!isOpen) return;
    const over = new AbortController();
    const poll = setInterval(async () => {
      const answer = await request("GET", path, over.signal);
      // The waiting room says where the place is now, and asks for nothing more.
      if (answer.body?.note === "moved" && !over.signal.aborted) {
        clearInterval(poll);
        window.location.replace(`/queue/${name}`);
      }
    }, POLL_MS);
    return () => {
      over.abort();
      clearInterval(poll);
    };
  }, [isOpen]);
  const isOver = codes !== null && left === 0;
  // What is not seen is not there: a hidden button could be neither pressed nor found too small.
  const shown = isOpen && [
    h("h2", { key: "title", id: "device-move" }, gettext("Continue on another device")),
    problem && h("p", { key: "problem", className: "notice bad", role: "alert" }, problem),
    codes && !isOver && h(CodeCard, { key: "codes", codes, left }),
    isOver &&
      h(
        "p",
        { key: "over", className: "muted", role: "status" },
        gettext("The code has expired. Your place is still here."),
      ),
    (isOver || problem) &&
      h(
        "button",
        { key: "make", type: "button", className: "button primary full", onClick: make },
        gettext("Make a new code"),
      ),
    h(
      "button",
      {
        key: "stay",
        type: "button",
        className: "button full",
        onClick: () => dialog.current?.close(),
      },
      gettext("Stay on this device"),
    ),
  ];
  return h(
    "div",
    { className: "center" },
    h(
      "button",
      { type: "button", className: "link", "aria-haspopup": "dialog", onClick: open },
      gettext("Continue on another device"),
    ),
    h(
      "dialog",
      { ref: dialog, className: "card move", onClose, "aria-labelledby": "device-move" },
      shown,
    ),
  );
}
