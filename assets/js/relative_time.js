// The age of an answer.

import { createElement as h, useEffect, useState } from "react";
import { formatAge } from "./formatting.js";

/** @param {{at: number}} props ms since the epoch; 0 shows nothing */
export function RelativeTime({ at }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const text = at ? formatAge(Math.max(0, Math.round((now - at) / 1000))) : "";
  return h("span", { className: "number", "aria-hidden": true }, text);
}
