"""What the server wrote into a cold page: shown until the page itself can, and then used by it."""

from __future__ import annotations

from typing import Any

import reflex as rx

# The answer to a page's first question comes with the page. It is used once, and only if it is
# fresh: a restored tab may be days old, and a wrong clock looks the same.
FIRST = """
const surgeServed = (path) => {
  const sent = document.getElementById("served-data");
  if (!sent) return null;
  sent.remove();
  const { at, body, ...meant } = JSON.parse(sent.textContent);
  const skew = at - Date.now();
  if (meant.path !== path || Math.abs(skew) > 15000) return null;
  return { status: 200, body, wait: 0, skew };
};
const surgeFirst = async (path, signal) =>
  surgeServed(path.replace("/api", "")) ?? surgeCall("GET", path, signal);
"""

_ARRIVED = """
function SurgeArrived() {
  // Before the browser paints: nobody sees both, or neither.
  useLayoutEffect(() => document.getElementById("served")?.remove(), []);
  return null;
}
"""


class _Arrived(rx.Component):
    tag = "SurgeArrived"

    def add_imports(self) -> dict[str, Any]:
        return {"react": [rx.ImportVar(tag="useLayoutEffect")]}

    def add_custom_code(self) -> list[str]:
        return [_ARRIVED]


def prerendered_handoff() -> rx.Component:
    """Take the server's version away; placed beside content that takes its place."""
    return _Arrived.create()
