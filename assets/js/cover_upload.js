// Choosing the picture of an event. It goes straight to the API, with its size checked first.

import { createElement as h, useEffect, useRef, useState } from "react";
import { backendUrl } from "./backend.js";
import { gettext } from "./language.js";

const saved = () => gettext("Saved. Attendees see the picture at once.");
const MEGABYTE = 1048576;
const WIDTH = 1200;
const HEIGHT = 630;

/**
 * @typedef {object} Cut A picture of another shape, and which part of it is shown.
 * @property {File} file
 * @property {string} url
 * @property {number} at the middle of what is shown, 0 to 100 from its left or its top
 */

/**
 * The picture of a file, or null if nothing of it is cut off or the server has to say what it is.
 * @param {File} file
 * @returns {Promise<Cut | null>}
 */
const readCut = async (file) => {
  // The pages allow pictures of no other address than ours, and within themselves.
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = reject;
    reader.readAsDataURL(file);
  });
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  const isWhole = picture.naturalWidth * HEIGHT === picture.naturalHeight * WIDTH;
  return isWhole ? null : { file, url, at: 50 };
};

/** @param {{slug: string, digest: string, largest: number}} props `largest` in bytes */
export function CoverUpload({ slug, digest, largest }) {
  const [shown, setShown] = useState(digest);
  const [busy, setBusy] = useState("");
  const [done, setDone] = useState("");
  const [problem, setProblem] = useState("");
  const [cut, setCut] = useState(/** @type {Cut | null} */ (null));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => setShown(digest), [digest]);
  const address = backendUrl(`/api/admin/events/${encodeURIComponent(slug)}/cover`);
  /**
   * @param {"PUT" | "DELETE"} method
   * @param {File | undefined} file
   * @param {string} success
   * @param {number} [at]
   */
  const send = async (method, file, success, at = 50) => {
    setCut(null);
    setBusy(gettext("One moment"));
    setDone("");
    setProblem("");
    try {
      // A picture that someone else chose meanwhile is not replaced unseen.
      const place = method === "PUT" ? `&at=${at}` : "";
      const target = `${address}?was=${encodeURIComponent(shown)}${place}`;
      const answer = await fetch(target, { method, body: file, credentials: "include" });
      // A proxy answers what it finds too large itself, with a page.
      const body = await answer.json().catch(() => ({}));
      if (answer.status === 413) {
        setProblem(
          gettext("The server accepts no picture of this size. Please choose a smaller one."),
        );
      } else if (answer.ok) {
        setShown(body.digest);
        setDone(success);
      } else {
        if (answer.status === 409) setShown(body.digest ?? shown);
        setProblem(body.title ?? gettext("The picture was not saved. Please try again."));
      }
    } catch {
      setProblem(gettext("No connection. The picture has not changed. Please try again."));
    }
    setBusy("");
  };
  const onChange = async (/** @type {import("react").ChangeEvent<HTMLInputElement>} */ event) => {
    const file = event.target.files?.[0];
    // The same file may be chosen again after a mistake.
    event.target.value = "";
    if (!file) return;
    if (file.size > largest) {
      const size = (file.size / MEGABYTE).toFixed(1);
      setDone("");
      setProblem(`${file.name} has ${size} MB. A picture can have up to ${largest / MEGABYTE} MB.`);
      return;
    }
    const found = await readCut(file).catch(() => null);
    if (!found) {
      send("PUT", file, saved());
      return;
    }
    setDone("");
    setProblem("");
    setCut(found);
  };
  /**
   * @param {string} label
   * @param {string} className
   * @param {() => void} onClick
   */
  const button = (label, className, onClick) =>
    h("button", { type: "button", className, disabled: busy !== "", onClick }, label);
  if (cut) {
    const position = `${cut.at}% ${cut.at}%`;
    return h(
      "div",
      { className: "stack loose" },
      h("img", {
        className: "cover",
        src: cut.url,
        alt: gettext("How attendees will see the picture"),
        style: { objectPosition: position },
      }),
      h(
        "label",
        { className: "field" },
        h("span", { className: "label" }, gettext("Which part is shown")),
        h("input", {
          type: "range",
          min: 0,
          max: 100,
          value: cut.at,
          onChange: (/** @type {import("react").ChangeEvent<HTMLInputElement>} */ event) =>
            setCut({ ...cut, at: event.target.valueAsNumber }),
        }),
      ),
      h(
        "div",
        { className: "row" },
        button(gettext("Save the picture"), "button primary", () =>
          send("PUT", cut.file, saved(), cut.at),
        ),
        button(gettext("Cancel"), "button quiet", () => setCut(null)),
      ),
    );
  }
  return h(
    "div",
    { className: "stack loose", "aria-busy": busy !== "" },
    h("img", {
      className: "cover",
      width: 1200,
      height: 630,
      src: `${address}?v=${shown || "drawn"}`,
      alt: shown ? gettext("The picture of the event") : gettext("The drawn cover of the event"),
    }),
    h(
      "div",
      { className: "row" },
      h("input", {
        ref: input,
        type: "file",
        hidden: true,
        onChange,
        accept: "image/jpeg,image/png,image/webp",
      }),
      button(
        busy || (shown ? gettext("Choose another picture") : gettext("Choose a picture")),
        "button",
        () => input.current?.click(),
      ),
      shown
        ? button(gettext("Remove the picture"), "button quiet", () =>
            send("DELETE", undefined, gettext("Removed. The drawn cover is back.")),
          )
        : null,
    ),
    h(
      "div",
      { "aria-live": "polite" },
      done ? h("p", { className: "notice good" }, done) : null,
      problem ? h("p", { className: "notice bad", role: "alert" }, problem) : null,
    ),
  );
}
