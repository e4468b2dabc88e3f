// Leaving a page.

import { useEffect } from "react";
import { backendUrl } from "./backend.js";

/** Said on the way out, so that nothing holds the page back. */
export const LEAVING = "surge:leaving";

/**
 * Replace the document once `to` is an address of this site. A real document load passes the
 * edge and starts a live connection with fresh cookies. Under hot reload the pages come from
 * another port; public pages have no check to pass.
 * @param {{to: string}} props
 */
export function Redirect({ to }) {
  useEffect(() => {
    if (!to?.startsWith("/") || to.startsWith("//")) return;
    document.dispatchEvent(new Event(LEAVING));
    window.location.replace(
      to.startsWith("/queue/") ? new URL(to, window.location.href).href : backendUrl(to),
    );
  }, [to]);
  return null;
}
