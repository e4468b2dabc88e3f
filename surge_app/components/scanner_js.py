"""The scanner as a React function: camera, search by hand, and scans kept while offline."""

DOOR = r"""
const doorAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const doorBytes = (text) => {
  const out = [];
  let bits = 0, value = 0;
  for (const one of text) {
    value = (value << 5) | doorAlphabet.indexOf(one);
    bits += 5;
    if (bits >= 8) { bits -= 8; out.push((value >> bits) & 255); value &= (1 << bits) - 1; }
  }
  return out;
};
// The code inside a signed text: what lies between the event's 16 bytes and the signature's 64.
const doorCode = (text) => {
  const parts = text.trim().split(".");
  if (parts.length !== 3 || parts[0].toUpperCase() !== "SRG1") return text.trim();
  const bytes = doorBytes(parts[2].toUpperCase());
  return String.fromCharCode(...bytes.slice(16, -64));
};
const doorHash = async (code) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(code));
  return btoa(String.fromCharCode(...new Uint8Array(digest).slice(0, 12)))
    .replaceAll("+", "-").replaceAll("/", "_");
};
const doorStored = (key, otherwise) => {
  try { return JSON.parse(localStorage.getItem(key)) ?? otherwise; } catch { return otherwise; }
};
const doorStore = (key, value) => {
  try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* private mode */ }
};
const doorTime = new Intl.DateTimeFormat("en-IN", { timeStyle: "medium" });
const doorClock = (at) => (at ? doorTime.format(new Date(at)) : "");
const doorWords = {
  admitted: ["good", "Come in"],
  already: ["bad", "Already inside"],
  void: ["bad", "Not valid any more"],
  other_event: ["bad", "For another event"],
  unknown: ["bad", "Not a ticket of ours"],
  unlisted: ["warn", "Not on the list"],
  by_hand: ["warn", "Scan the ticket"],
};
function SurgeDoor({ slug }) {
  const base = new URL(`/api/admin/events/${encodeURIComponent(slug)}/door`,
    typeof window === "undefined" ? "http://localhost" : getBackendURL(env.PING)).href;
  const kept = `surge-door-${slug}`;
  const [gate, setGate] = useState("");
  const [counts, setCounts] = useState(null);
  const [result, setResult] = useState(null);
  const [online, setOnline] = useState(true);
  const [pending, setPending] = useState([]);
  const [clashes, setClashes] = useState([]);
  const [camera, setCamera] = useState("off");
  const [query, setQuery] = useState("");
  const [found, setFound] = useState([]);
  const video = useRef(null);
  const list = useRef({ at: null, tickets: new Map() });
  const last = useRef({ text: "", at: 0 });
  const now = useRef({});
  now.current = { gate, pending };
  const leaving = useRef(false);
  useEffect(() => {
    const leave = (event) => {
      leaving.current ||= event.target.getAttribute("action") === "/admin/logout";
    };
    document.addEventListener("submit", leave);
    return () => document.removeEventListener("submit", leave);
  }, []);

  const call = async (path, body) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4000);
    try {
      const answer = await fetch(base + path, {
        method: body ? "POST" : "GET",
        credentials: "include",
        signal: stop.signal,
        headers: body ? { "Content-Type": "application/json" } : {},
        body: body && JSON.stringify(body),
      });
      if (answer.status === 401 || answer.status === 403) {
        // Whoever is just signing out would be taken to where one signs in, and be in again.
        if (!leaving.current) window.location.assign(new URL("/admin", base));
        return null;
      }
      if (!answer.ok) throw Object.assign(new Error(), { status: answer.status });
      setOnline(true);
      return await answer.json();
    } catch (error) {
      // What the server understood and refused came over a network that works.
      setOnline(error.status >= 400 && error.status < 500);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  const keep = (scans) => {
    now.current.pending = scans;
    setPending(scans);
    doorStore(kept, scans);
  };
  const show = (one) => {
    setResult({ ...one, shown: Date.now() });
    navigator.vibrate?.(one.verdict === "admitted" ? 80 : [80, 60, 80, 60, 80]);
  };
  const named = () => now.current.gate.trim() || "Door";

  const offline = async (scan) => {
    if (!scan.text) return { verdict: "by_hand", offline: true };
    const hash = await doorHash(doorCode(scan.text));
    const first = list.current.tickets.get(hash);
    if (first === undefined) return { verdict: "unlisted", offline: true };
    if (first) {
      return { verdict: "already", gate: first.gate, checked_in_at: first.at, offline: true };
    }
    const gate = named();
    list.current.tickets.set(hash, { at: scan.at, gate });
    keep([...now.current.pending, { ...scan, gate }]);
    return { verdict: "admitted", offline: true };
  };
  const take = async (wanted) => {
    const scan = { id: crypto.randomUUID(), at: new Date().toISOString(), ...wanted };
    try {
      const answer = await call("/scans", { gate: named(), scans: [scan] });
      if (!answer) return;
      setCounts(answer.counts);
      const [one] = answer.results;
      show(one);
      if (scan.text && one.checked_in_at) {
        list.current.tickets.set(
          await doorHash(doorCode(scan.text)), { at: one.checked_in_at, gate: one.gate });
      }
    } catch (error) {
      show(error.status === 422 ? { verdict: "unknown" } : await offline(scan));
    }
  };
  const seen = (text) => {
    const at = Date.now();
    if (text === last.current.text && at - last.current.at < 4000) {
      last.current.at = at;
      return;
    }
    last.current = { text, at };
    take({ text });
  };
  const sync = async () => {
    // Those of one gate at a time: its name may have been changed since.
    const [{ gate } = {}] = now.current.pending;
    const batch = now.current.pending.filter((one) => one.gate === gate).slice(0, 100);
    if (!batch.length) return;
    const scans = batch.map(({ id, at, text }) => ({ id, at, text }));
    const answer = await call("/scans", { gate: gate ?? named(), scans });
    if (!answer) return;
    const done = new Set(batch.map((one) => one.id));
    keep(now.current.pending.filter((one) => !done.has(one.id)));
    setCounts(answer.counts);
    const lost = answer.results.filter((one) => one.verdict !== "admitted");
    if (lost.length) setClashes((before) => [...lost, ...before].slice(0, 20));
  };

  useEffect(() => {
    setGate(doorStored("surge-gate", ""));
    keep(doorStored(kept, []));
    let gone = false;
    const look = async () => {
      try {
        await sync();
        const answer = await call("");
        if (answer && !gone) setCounts(answer);
      } catch { /* shown as offline */ }
    };
    const fetchList = async () => {
      try {
        const answer = await call("/list");
        if (!answer) return;
        const tickets = new Map(
          answer.tickets.map(([hash, at, gate]) => [hash, at ? { at, gate } : null]));
        for (const one of now.current.pending) {
          tickets.set(await doorHash(doorCode(one.text)), { at: one.at, gate: one.gate });
        }
        list.current = { at: answer.at, tickets };
      } catch { /* the last list stays */ }
    };
    look();
    fetchList();
    const looks = setInterval(look, 3000);
    const lists = setInterval(fetchList, 60000);
    return () => { gone = true; clearInterval(looks); clearInterval(lists); };
  }, [slug]);

  useEffect(() => {
    if (camera !== "on") return;
    let stream, timer, stopped = false;
    const canvas = document.createElement("canvas");
    const detector = "BarcodeDetector" in window
      ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
    const read = async () => {
      const one = video.current;
      if (one?.videoWidth) {
        if (detector) {
          const codes = await detector.detect(one).catch(() => []);
          if (codes[0]) seen(codes[0].rawValue);
        } else {
          const scale = Math.min(1, 640 / one.videoWidth);
          canvas.width = one.videoWidth * scale;
          canvas.height = one.videoHeight * scale;
          const pen = canvas.getContext("2d", { willReadFrequently: true });
          pen.drawImage(one, 0, 0, canvas.width, canvas.height);
          const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
          const code = jsQR(picture.data, picture.width, picture.height);
          if (code?.data) seen(code.data);
        }
      }
      if (!stopped) timer = setTimeout(read, 150);
    };
    navigator.mediaDevices?.getUserMedia({ video: { facingMode: "environment" } })
      .then((opened) => {
        if (stopped) return opened.getTracks().forEach((track) => track.stop());
        stream = opened;
        video.current.srcObject = opened;
        video.current.play();
        read();
      })
      .catch(() => setCamera("refused"));
    if (!navigator.mediaDevices) setCamera("refused");
    return () => {
      stopped = true;
      clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [camera]);

  useEffect(() => {
    if (query.trim().length < 2) { setFound([]); return; }
    const timer = setTimeout(async () => {
      try {
        const answer = await call(`/tickets?q=${encodeURIComponent(query.trim())}`);
        if (answer) setFound(answer.tickets);
      } catch { /* shown as offline */ }
    }, 250);
    return () => clearTimeout(timer);
  }, [query, counts?.inside]);

  const [tone, words] = result ? doorWords[result.verdict] : ["", ""];
  return jsx(Fragment, {},
    jsx("div", { className: "row apart" },
      jsx("p", { className: "figure number", role: "status" },
        counts ? `${counts.inside} of ${counts.valid} inside` : "–"),
      jsx("span", { className: `chip ${online ? "good" : "warn"}` },
        online ? (pending.length ? `Sending ${pending.length}` : "Online")
          : `Offline, ${pending.length} kept`)),
    jsx("div", { className: "field" },
      jsx("label", { htmlFor: "gate", className: "label" }, "This gate is called"),
      jsx("input", {
        id: "gate", className: "input", maxLength: 40, placeholder: "Door", value: gate,
        onChange: (event) => {
          setGate(event.target.value);
          doorStore("surge-gate", event.target.value);
        },
      })),
    jsx("section", { className: `verdict ${tone}`, role: "alert", "aria-live": "assertive" },
      result ? jsx(Fragment, {},
        jsx("p", { className: "display" }, words),
        jsx("p", {}, [result.name, result.tier].filter(Boolean).join(" · ")),
        result.verdict === "already" && result.gate
          ? jsx("p", {}, `${result.gate}, ${doorClock(result.checked_in_at)}`) : null,
        result.offline ? jsx("p", { className: "small" }, result.verdict === "by_hand"
          ? "Without a network only codes can be checked."
          : `Without a network, by the list of ${doorClock(list.current.at)}`) : null)
        : jsx("p", { className: "muted" }, "Scan a ticket, or find it by name.")),
    jsx("section", { className: "card" },
      jsx("video", {
        ref: video, className: "finder", playsInline: true, muted: true, hidden: camera !== "on",
      }),
      camera === "refused" ? jsx("p", { className: "complaint" },
        "The camera cannot be used. Allow it for this page, or find tickets by name below.") : null,
      jsx("button", {
        type: "button", className: `button full ${camera === "on" ? "" : "primary"}`,
        onClick: () => setCamera(camera === "on" ? "off" : "on"),
      }, camera === "on" ? "Stop the camera" : "Scan with the camera")),
    jsx("section", { className: "card" },
      jsx("div", { className: "field" },
        jsx("label", { htmlFor: "find-ticket", className: "label" }, "Find by hand"),
        jsx("input", {
          id: "find-ticket", type: "search", className: "input", value: query, autoComplete: "off",
          placeholder: "Name, email, last digits, or SRG-…",
          onChange: (event) => setQuery(event.target.value),
        })),
      jsx("ul", { className: "plain-list" }, ...found.map((one) =>
        jsx("li", { key: `${one.ref}-${one.ticket}`, className: "row apart" },
          jsx("div", { className: "stack tight grow" },
            jsx("span", { className: "strong" }, one.name),
            jsx("span", { className: "muted small number" },
              `${one.tier} · ${one.ref} · ${one.ticket}`)),
          !one.is_valid ? jsx("span", { className: "chip off" }, "Void")
            : one.checked_in_at
              ? jsx("span", { className: "chip off" },
                `${one.gate}, ${doorClock(one.checked_in_at)}`)
              : jsx("button", {
                type: "button", className: "button",
                onClick: () => take({ ref: one.ref, ticket: one.ticket }),
              }, "Let in"))))),
    clashes.length ? jsx("section", { className: "notice warn" },
      jsx("p", { className: "title" }, "Let in here without a network, and known before"),
      ...clashes.map((one) => jsx("p", { key: one.scan_id, className: "small" },
        [one.name, one.ref, doorWords[one.verdict][1], one.gate, doorClock(one.checked_in_at)]
          .filter(Boolean).join(" · "))))
      : null);
}
"""
