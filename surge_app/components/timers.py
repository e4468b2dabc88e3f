"""Components with a pulse: countdown, age, ticker, leaving, and the bridge to the payment modal.

Each is a small React function of its own, so a page needs no evaluated script and can be
served under a strict content security policy.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

_COUNTDOWN = """
const SURGE_SOON = 60;
function SurgeCountdown({ seconds, stamp, label, last, stopped, onEnd }) {
  const read = () => Math.max(0, Math.ceil((end.current - Date.now()) / 1000));
  const end = useRef(Date.now() + seconds * 1000);
  const told = useRef(onEnd);
  told.current = onEnd;
  const [left, setLeft] = useState(seconds);
  const warned = useRef(false);
  const [warning, setWarning] = useState("");
  useEffect(() => {
    end.current = Date.now() + seconds * 1000;
    if (stopped) {
      setLeft(seconds);
      return;
    }
    let done = seconds <= 0;
    const tick = () => {
      const rest = read();
      setLeft(rest);
      // Said once at a minute's distance; a longer time, such as that for paying, has its own.
      if (rest > SURGE_SOON + 5) {
        warned.current = false;
        setWarning("");
      } else if (rest <= SURGE_SOON && rest > 0 && !warned.current) {
        warned.current = true;
        setWarning(`${label} ${rest > 50 ? "1 more minute" : `${rest} more seconds`}`);
      }
      if (rest === 0 && !done) {
        done = true;
        told.current?.();
      }
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [seconds, stamp, stopped]);
  const pad = (part) => String(part).padStart(2, "0");
  const days = Math.floor(left / 86400);
  const hours = Math.floor((left % 86400) / 3600);
  const minutes = Math.floor((left % 3600) / 60);
  const rest = hours || days
    ? `${hours}:${pad(minutes)}:${pad(left % 60)}`
    : `${minutes}:${pad(left % 60)}`;
  const clock = days ? `${days} ${days === 1 ? "day" : "days"} ${rest}` : rest;
  // The clock is read by who looks at it; only the warning speaks up by itself.
  const isSoon = left <= SURGE_SOON && !stopped;
  const words = stopped ? "Clock stopped" : isSoon && last || label;
  return jsx(Fragment, {},
    jsx("span", { role: "timer", className: isSoon ? "number soon" : "number" },
      `${words} ${clock}`.trim()),
    jsx("span", { className: "sr-only", role: "status" }, warning));
}
"""

_AGO = """
function SurgeAgo({ at }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const age = Math.max(0, Math.round((now - at) / 1000));
  const text = !at ? "" : age < 2 ? "just now" : age < 60 ? `${age} s ago`
    : `${Math.floor(age / 60)} min ago`;
  return jsx("span", { className: "number", "aria-hidden": true }, text);
}
"""

_EVERY = """
function SurgeEvery({ seconds, onTick }) {
  const told = useRef(onTick);
  told.current = onTick;
  useEffect(() => {
    // A hidden tab still asks, less often; it asks at once when it is looked at again.
    let last = Date.now();
    const tick = () => {
      const rest = seconds * 1000 * (document.hidden ? 4 : 1);
      if (Date.now() - last < rest - 50) return;
      last = Date.now();
      told.current?.();
    };
    const timer = setInterval(tick, seconds * 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [seconds]);
  return null;
}
"""

# A real document load, so the gate sees it and a live connection starts with fresh cookies.
# It goes by way of the gate also where the pages come from another port (hot reload); cold
# pages have no gate to pass.
_LEAVE = """
function SurgeLeave({ to }) {
  useEffect(() => {
    if (!to || !to.startsWith("/") || to.startsWith("//")) return;
    const base = to.startsWith("/queue/") ? window.location.href : getBackendURL(env.PING);
    window.location.replace(new URL(to, base));
  }, [to]);
  return null;
}
"""

_PAY = """
const surgePayScript = () =>
  (window.surgePayLoading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/pay.js";
    script.onload = resolve;
    script.onerror = () => {
      window.surgePayLoading = undefined;
      reject(new Error("pay.js did not load"));
    };
    document.head.append(script);
  }));
function SurgePay({ checkout, attempt, onClosed }) {
  const told = useRef(onClosed);
  told.current = onClosed;
  const opened = useRef(attempt);
  const open = useRef(false);
  useEffect(() => {
    surgePayScript().catch(() => {});
  }, []);
  useEffect(() => {
    // Once for each press: a repeated render or a reconnect must not open a second modal.
    const isNew = attempt > opened.current;
    opened.current = attempt;
    if (!isNew) return;
    // Nor may a second press while the first one's modal is still up.
    if (open.current) return;
    open.current = true;
    const callback = new URL("/api/payments/razorpay/callback", getBackendURL(env.PING)).href;
    const closed = (outcome) => {
      open.current = false;
      told.current?.(outcome);
    };
    surgePayScript().then(
      () => window.surgePay(checkout, callback, closed),
      () => closed("error"),
    );
  }, [attempt]);
  return null;
}
"""

# A tab keeps its state on the server from page to page, so what arrives first may belong to the
# page before: another event, a payment that is over. Nothing of it may be shown or acted on
# until the page has loaded its own. After that it stays, also while a lost connection returns:
# unmounting a form would lose what is being typed.
_SETTLED = """
function SurgeSettled({ ready, children }) {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (ready) setSettled(true);
  }, [ready]);
  return settled ? children[1] : children[0];
}
"""

_FOCUS = """
function SurgeFocus({ to, stamp }) {
  const seen = useRef(stamp);
  useEffect(() => {
    if (stamp !== seen.current) document.getElementById(to)?.focus();
    seen.current = stamp;
  }, [stamp]);
  return null;
}
"""

_HOOKS = {
    "react": [rx.ImportVar(tag=tag) for tag in ("useEffect", "useRef", "useState", "Fragment")],
    "@emotion/react": [rx.ImportVar(tag="jsx")],
}
_BACKEND = {
    "$/utils/state": [rx.ImportVar(tag="getBackendURL")],
    "$/env.json": [rx.ImportVar(tag="env", is_default=True)],
}


class _Countdown(rx.Component):
    tag = "SurgeCountdown"

    seconds: rx.Var[int]
    stamp: rx.Var[int]
    label: rx.Var[str]
    last: rx.Var[str]
    stopped: rx.Var[bool]
    on_end: rx.EventHandler[rx.event.no_args_event_spec]

    def add_imports(self) -> dict[str, Any]:
        return _HOOKS

    def add_custom_code(self) -> list[str]:
        return [_COUNTDOWN]


class _Ago(rx.Component):
    tag = "SurgeAgo"

    at: rx.Var[int]

    def add_imports(self) -> dict[str, Any]:
        return _HOOKS

    def add_custom_code(self) -> list[str]:
        return [_AGO]


class _Every(rx.Component):
    tag = "SurgeEvery"

    seconds: rx.Var[int]
    on_tick: rx.EventHandler[rx.event.no_args_event_spec]

    def add_imports(self) -> dict[str, Any]:
        return _HOOKS

    def add_custom_code(self) -> list[str]:
        return [_EVERY]


class _Settled(rx.Component):
    tag = "SurgeSettled"

    ready: rx.Var[bool]

    def add_imports(self) -> dict[str, Any]:
        return _HOOKS

    def add_custom_code(self) -> list[str]:
        return [_SETTLED]


class _Focus(rx.Component):
    tag = "SurgeFocus"

    to: rx.Var[str]
    stamp: rx.Var[int]

    def add_imports(self) -> dict[str, Any]:
        return _HOOKS

    def add_custom_code(self) -> list[str]:
        return [_FOCUS]


class _Leave(rx.Component):
    tag = "SurgeLeave"

    to: rx.Var[str]

    def add_imports(self) -> dict[str, Any]:
        return {**_HOOKS, **_BACKEND}

    def add_custom_code(self) -> list[str]:
        return [_LEAVE]


class _Pay(rx.Component):
    tag = "SurgePay"

    checkout: rx.Var[Any]
    attempt: rx.Var[int]
    on_closed: rx.EventHandler[rx.event.passthrough_event_spec(str)]

    def add_imports(self) -> dict[str, Any]:
        return {**_HOOKS, **_BACKEND}

    def add_custom_code(self) -> list[str]:
        return [_PAY]


def countdown(
    seconds: rx.Var[int] | int,
    *,
    stamp: rx.Var[int] | int = 0,
    label: str = "",
    last: str = "",
    stopped: rx.Var[bool] | bool = False,
    on_end: Any = None,
) -> rx.Component:
    """Count down from what the server said is left, whatever the device's clock says.

    Args:
        seconds: Whole seconds left, by the server.
        stamp: Changes with each answer of the server, so an equal number counts as news.
        label: Words before the clock.
        last: Words before it in the last minute; empty keeps the others.
        stopped: Whether the server's clock stands still, and this one with it.
        on_end: Called once at zero. The server decides what zero means.
    """
    handlers = {} if on_end is None else {"on_end": on_end}
    return _Countdown.create(
        seconds=seconds, stamp=stamp, label=label, last=last, stopped=stopped, **handlers
    )


def relative_time(at: rx.Var[int] | int) -> rx.Component:
    """Say how old an answer is: "2 s ago"."""
    return _Ago.create(at=at)


def interval(seconds: rx.Var[int] | int, on_tick: Any) -> rx.Component:
    """Call a handler at an interval while it is on the page."""
    return _Every.create(seconds=seconds, on_tick=on_tick)


def when_settled(waiting: rx.Component, *content: rx.Component) -> rx.Component:
    """Show the content of a page with state once the page's own handlers have loaded it.

    Args:
        waiting: Shown until then.
        *content: Shown from then on, whatever happens to the connection.
    """
    return _Settled.create(waiting, rx.fragment(*content), ready=rx.State.is_hydrated)


def leave(to: rx.Var[str] | str) -> rx.Component:
    """Replace the document as soon as `to` is an address of this site.

    Args:
        to: Where to go; empty stays.
    """
    return _Leave.create(to=to)


def focus(to: rx.Var[str] | str, stamp: rx.Var[int] | int) -> rx.Component:
    """Move the focus to the element with the id `to` each time `stamp` changes."""
    return _Focus.create(to=to, stamp=stamp)


def payment_modal(checkout: Any, attempt: rx.Var[int] | int, on_closed: Any) -> rx.Component:
    """Open the payment modal once each time `attempt` grows.

    Args:
        checkout: The fields of a `CheckoutView`.
        attempt: A counter; what it is at first opens nothing.
        on_closed: Gets "dismissed", "failed", "late" or "error". It comes from the browser: it
            means "go and look", never "paid" and never "not paid".
    """
    return _Pay.create(checkout=checkout, attempt=attempt, on_closed=on_closed)
