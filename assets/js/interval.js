// A regular call.

import { useEffect } from "react";
import { useLatest } from "./use_latest.js";

/**
 * Call a handler regularly. A hidden tab calls it less often, and at once when it is shown again.
 * @param {{seconds: number, onTick?: () => void}} props
 */
export function Interval({ seconds, onTick }) {
  const handler = useLatest(onTick);
  useEffect(() => {
    let last = Date.now();
    const tick = () => {
      const pause = seconds * 1000 * (document.hidden ? 4 : 1);
      if (Date.now() - last < pause - 50) return;
      last = Date.now();
      handler.current?.();
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
