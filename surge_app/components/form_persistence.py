"""Keeping what is typed: a reload, or a page that comes back from paying, finds it again."""

from __future__ import annotations

from typing import Any

import reflex as rx

# In the tab's own storage, so that nothing is left behind on a shared machine once it is closed.
# Every keystroke is kept; a field tells the server only when it is left. The values set by the
# page itself (a likelier spelling) are caught on the way out. A field that is called wrong tells
# sooner: what is mended should say so while one types.
_KEEP = """
function SurgeKeep({ form, name, fields, onMend }) {
  const seen = useRef(new Set());
  const told = useRef(onMend);
  told.current = onMend;
  useEffect(() => {
    const element = document.getElementById(form);
    if (!element || !name) return;
    const key = `surge-form-${name}`;
    const inputs = () => [...element.querySelectorAll("input[name]")];
    const read = () => {
      try {
        return JSON.parse(sessionStorage.getItem(key)) ?? {};
      } catch {
        return {};
      }
    };
    const write = () => {
      const typed = Object.fromEntries(inputs().map((input) => [input.name, input.value]));
      try {
        sessionStorage.setItem(key, JSON.stringify({ ...read(), ...typed }));
      } catch {
        // Private windows may refuse.
      }
    };
    const kept = read();
    for (const input of inputs()) {
      if (!seen.current.has(input.name) && input.name in kept) input.value = kept[input.name];
      seen.current.add(input.name);
    }
    const over = new AbortController();
    let timer;
    const note = ({ target }) => {
      write();
      clearTimeout(timer);
      if (target.getAttribute("aria-invalid") !== "true") return;
      timer = setTimeout(() => told.current?.(target.name, target.value), 300);
    };
    element.addEventListener("input", note, { signal: over.signal });
    element.addEventListener("submit", write, { signal: over.signal });
    window.addEventListener("pagehide", write, { signal: over.signal });
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, [form, name, fields]);
  return null;
}
"""


def _mended(name: rx.Var[str], value: rx.Var[str]) -> tuple[rx.Var[str], rx.Var[str]]:
    return name, value


class _Keep(rx.Component):
    tag = "SurgeKeep"

    form: rx.Var[str]
    name: rx.Var[str]
    fields: rx.Var[int]
    on_mend: rx.EventHandler[_mended]

    def add_imports(self) -> dict[str, Any]:
        return {"react": [rx.ImportVar(tag=tag) for tag in ("useEffect", "useRef")]}

    def add_custom_code(self) -> list[str]:
        return [_KEEP]


def remembered_input(
    form: str, name: rx.Var[str] | str, *, fields: rx.Var[int] | int, on_mend: Any
) -> rx.Component:
    """Keep what is typed into a form while its tab is open.

    Args:
        form: The id of the form.
        name: What the form is about; each has entries of its own.
        fields: How many fields were added later; a new one gets what was kept of it, too.
        on_mend: Gets the name and the value of a field called wrong, after a pause in typing.
    """
    return _Keep.create(form=form, name=name, fields=fields, on_mend=on_mend)
