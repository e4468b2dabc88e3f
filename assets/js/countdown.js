// A countdown to what the server said is left.

import { Fragment, createElement as h, useEffect, useRef, useState } from "react";
import { formatClock } from "./formatting.js";
import { gettext, ngettext } from "./language.js";
import { useLatest } from "./use_latest.js";

const LAST_MINUTE = 60;

/**
 * Count down from what the server said is left, whatever the device's clock says.
 * @param {{seconds: number, stamp: number, label: string, last: string, stopped: boolean,
 *   onEnd?: () => void}} props
 */
export function Countdown({ seconds, stamp, label, last, stopped, onEnd }) {
  const end = useRef(0);
  const handler = useLatest(onEnd);
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
      const rest = Math.max(0, Math.ceil((end.current - Date.now()) / 1000));
      setLeft(rest);
      // Said once at a minute's distance; a longer time, such as that for paying, has its own.
      if (rest > LAST_MINUTE + 5) {
        warned.current = false;
        setWarning("");
      } else if (rest <= LAST_MINUTE && rest > 0 && !warned.current) {
        warned.current = true;
        const more =
          rest > 50
            ? gettext("1 more minute")
            : ngettext("{count} more second", "{count} more seconds", rest);
        setWarning(`${label} ${more}`);
      }
      if (rest === 0 && !done) {
        done = true;
        handler.current?.();
      }
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [seconds, stamp, stopped]);
  // Those who see the clock read it; only the warning is announced.
  const isSoon = left <= LAST_MINUTE && !stopped;
  const clock = formatClock(left);
  const text =
    isSoon && last ? `${clock} ${last}` : `${stopped ? gettext("Clock stopped") : label} ${clock}`;
  return h(
    Fragment,
    null,
    h("span", { role: "timer", className: isSoon ? "number soon" : "number" }, text.trim()),
    h("span", { className: "sr-only", role: "status" }, warning),
  );
}
