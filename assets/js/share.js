// Passing on a page: by the device's own sheet where it has one, else by its link, and by WhatsApp.

import { createElement as h, useEffect, useState } from "react";

/**
 * @param {{title: string, share: string, copy: string, copied: string, whatsapp: string}} props
 *   `title` names the page; the others are what the controls say
 */
export function ShareLinks({ title, share, copy, copied, whatsapp }) {
  const [address, setAddress] = useState("");
  const [hasSheet, setSheet] = useState(false);
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    setAddress(location.origin + location.pathname);
    setSheet("share" in navigator);
  }, []);
  const press = () => {
    // Closing the sheet is no mistake, and a refused clipboard leaves the link in the address bar.
    if (hasSheet) navigator.share({ title, url: address }).catch(() => {});
    else
      navigator.clipboard?.writeText(address).then(
        () => setCopied(true),
        () => {},
      );
  };
  const href = `https://wa.me/?text=${encodeURIComponent(`${title} ${address}`)}`;
  return h(
    "p",
    { className: "row share" },
    h("button", { type: "button", className: "link", onClick: press }, hasSheet ? share : copy),
    h("a", { className: "link", href, rel: "noopener" }, whatsapp),
    h("span", { role: "status", className: "muted small" }, isCopied ? copied : ""),
  );
}
