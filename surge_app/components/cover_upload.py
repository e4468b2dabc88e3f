"""Choosing the picture of an event: it goes straight to the API, with its size checked first."""

from __future__ import annotations

from typing import Any

import reflex as rx

_CODE = """
function SurgeCoverField({ slug, digest, largest }) {
  const [shown, setShown] = useState(digest);
  const [busy, setBusy] = useState("");
  const [done, setDone] = useState("");
  const [problem, setProblem] = useState("");
  const input = useRef(null);
  useEffect(() => setShown(digest), [digest]);
  const address = typeof window === "undefined" ? ""
    : new URL(`/api/admin/events/${encodeURIComponent(slug)}/cover`, getBackendURL(env.PING)).href;
  const send = async (method, file, words) => {
    setBusy(words.busy); setDone(""); setProblem("");
    try {
      const answer = await fetch(address, { method, body: file, credentials: "include" });
      const body = await answer.json();
      if (answer.ok) {
        setShown(body.digest);
        setDone(words.done);
      } else {
        setProblem(body.title ?? "The picture was not taken. Please try again.");
      }
    } catch {
      setProblem("No connection. The picture is as it was; please try again.");
    }
    setBusy("");
  };
  const chosen = (event) => {
    const file = event.target.files[0];
    // The same file may be chosen again after a mistake.
    event.target.value = "";
    if (!file) return;
    if (file.size > largest) {
      setDone("");
      setProblem(`${file.name} has ${(file.size / 1048576).toFixed(1)} MB; a picture may have `
        + `${largest / 1048576} MB.`);
      return;
    }
    send("PUT", file, { busy: "One moment", done: "Saved. Attendees see the picture at once." });
  };
  return jsx("div", { className: "stack loose", "aria-busy": busy !== "" },
    jsx("img", {
      className: "cover", width: 1200, height: 630, src: `${address}?v=${shown || "drawn"}`,
      alt: shown ? "The picture of the event" : "The drawn cover of the event",
    }),
    jsx("div", { className: "row" },
      jsx("input", {
        ref: input, type: "file", hidden: true, onChange: chosen,
        accept: "image/jpeg,image/png,image/webp",
      }),
      jsx("button", {
        type: "button", className: "button", disabled: busy !== "",
        onClick: () => input.current.click(),
      }, busy || (shown ? "Choose another picture" : "Choose a picture")),
      shown ? jsx("button", {
        type: "button", className: "button quiet", disabled: busy !== "",
        onClick: () => send("DELETE", undefined, {
          busy: "One moment", done: "Removed. The drawn cover is back.",
        }),
      }, "Remove the picture") : null),
    jsx("div", { "aria-live": "polite" },
      done ? jsx("p", { className: "notice good" }, done) : null,
      problem ? jsx("p", { className: "notice bad", role: "alert" }, problem) : null));
}
"""


class _CoverField(rx.Component):
    tag = "SurgeCoverField"

    slug: rx.Var[str]
    digest: rx.Var[str]
    largest: rx.Var[int]

    def add_imports(self) -> dict[str, Any]:
        return {
            "react": [rx.ImportVar(tag=name) for name in ("useEffect", "useRef", "useState")],
            "@emotion/react": [rx.ImportVar(tag="jsx")],
            "$/utils/state": [rx.ImportVar(tag="getBackendURL")],
            "$/env.json": [rx.ImportVar(tag="env", is_default=True)],
        }

    def add_custom_code(self) -> list[str]:
        return [_CODE]


def cover_field(slug: Any, digest: Any, *, largest: int) -> rx.Component:
    """Create the picture of an event with the ways to change and to remove it.

    Args:
        slug: The event.
        digest: What names its picture, empty while the cover is drawn.
        largest: How many bytes a picture may have.
    """
    return _CoverField.create(slug=slug, digest=digest, largest=largest)
