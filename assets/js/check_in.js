// The check-in of an event: scans, their results, and what is stored while there is no network.

import { useEffect, useRef, useState } from "react";
import { backendUrl } from "./backend.js";
import { createTicketList, nextBatch, withoutSent } from "./offline_scans.js";
import { load, save } from "./storage.js";

/**
 * @typedef {import("./offline_scans.js").PendingScan} PendingScan
 * @typedef {{verdict: string, name?: string, tier?: string, ref?: string, gate?: string,
 *   checked_in_at?: string, scan_id?: string, offline?: boolean, others?: string[],
 *   undo?: string[], number?: number}} Result `undo` has the scans that can be taken back
 * @typedef {{inside: number, valid: number}} Counts
 * @typedef {{id: string, booking: string, ticket: number, name: string, tier: string,
 *   is_valid: boolean, gate: string, checked_in_at: string | null}} Ticket
 */

const TIMEOUT_MS = 4000;
const SYNC_MS = 3000;
const LIST_MS = 60000;
const MAX_CLASHES = 20;

/** `crypto.randomUUID` is missing on plain http and in older browsers. */
const randomId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

/**
 * One result for all tickets of a click: what stands in the way of any of them comes first.
 * @param {Result[]} results
 * @returns {Result}
 */
const combine = (results) => {
  const admitted = results.filter(({ verdict }) => verdict === "admitted");
  const shown = results.find(({ verdict }) => verdict !== "admitted") ?? results[0];
  const undo = admitted.map(({ scan_id: id }) => id ?? "");
  return { ...shown, undo, number: admitted.length };
};

/** The buttons "Sign out" lead away; a refused request must not send the page elsewhere then. */
const useIsLeaving = () => {
  const isLeaving = useRef(false);
  useEffect(() => {
    const onSubmit = (/** @type {Event} */ event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      isLeaving.current ||= form.getAttribute("action") === "/admin/logout";
    };
    document.addEventListener("submit", onSubmit);
    return () => document.removeEventListener("submit", onSubmit);
  }, []);
  return isLeaving;
};

/**
 * Requests to the check-in of an event.
 * @param {string} slug
 */
const useCheckInApi = (slug) => {
  const [isOnline, setOnline] = useState(true);
  const isLeaving = useIsLeaving();
  /**
   * @param {string} path
   * @param {unknown} [body]
   * @returns the answer; null after a sign-out
   * @throws without a usable answer; `status` is that of a refusal
   */
  const call = async (path, body) => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), TIMEOUT_MS);
    try {
      const answer = await fetch(
        backendUrl(`/api/admin/events/${encodeURIComponent(slug)}/door${path}`),
        {
          method: body ? "POST" : "GET",
          credentials: "include",
          signal: limit.signal,
          headers: body ? { "Content-Type": "application/json" } : {},
          body: body ? JSON.stringify(body) : undefined,
        },
      );
      if (answer.status === 401 || answer.status === 403) {
        // A page that is just signing out would be taken to the sign-in, and be in again.
        if (!isLeaving.current) window.location.assign(backendUrl("/admin"));
        return null;
      }
      if (!answer.ok) throw Object.assign(new Error(), { status: answer.status });
      setOnline(true);
      return await answer.json();
    } catch (error) {
      // What the server understood and refused came over a network that works.
      const status = /** @type {{status?: number}} */ (error).status ?? 0;
      setOnline(status >= 400 && status < 500);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return { call, isOnline };
};

/**
 * Scans, their results and what is known without a network.
 * @param {string} slug
 */
export const useCheckIn = (slug) => {
  const storageKey = `surge-door-${slug}`;
  const { call, isOnline } = useCheckInApi(slug);
  const [gate, setGate] = useState("");
  const [counts, setCounts] = useState(/** @type {Counts | null} */ (null));
  const [result, setResult] = useState(/** @type {Result | null} */ (null));
  const [pending, setPending] = useState(/** @type {PendingScan[]} */ ([]));
  const [clashes, setClashes] = useState(/** @type {Result[]} */ ([]));
  const [list] = useState(createTicketList);
  // Grows with each answer to a scan: counts that were asked for before do not know of it.
  const answered = useRef(0);
  const now = useRef({ gate, pending });
  now.current = { gate, pending };
  const gateName = () => now.current.gate.trim() || "Entrance";

  /** @param {PendingScan[]} scans */
  const store = (scans) => {
    now.current.pending = scans;
    setPending(scans);
    save(storageKey, scans);
  };
  /** @param {Counts} known with what was just done */
  const count = (known) => {
    answered.current += 1;
    setCounts(known);
  };
  /**
   * Answers to two scans may cross. The later one to arrive knows less then.
   * @param {Counts} known
   */
  const countUp = (known) => {
    answered.current += 1;
    setCounts((shown) => (shown && shown.inside > known.inside ? shown : known));
  };
  /** @param {Result} shown */
  const show = (shown) => {
    setResult(shown);
    navigator.vibrate?.(shown.verdict === "admitted" ? 80 : [80, 60, 80, 60, 80]);
  };
  /** @param {...({text: string} | {ticket_id: string})} targets tickets of one booking */
  const submit = async (...targets) => {
    const at = new Date().toISOString();
    /** @type {import("./offline_scans.js").Scan[]} */
    const scans = targets.map((target) => ({ id: randomId(), at, ...target }));
    const text = scans[0].text ?? "";
    try {
      const answer = await call("/scans", { gate: gateName(), scans });
      if (!answer) return;
      countUp(answer.counts);
      const shown = combine(answer.results);
      show(shown);
      if (text && shown.checked_in_at) {
        await list.note(text, { at: shown.checked_in_at, gate: shown.gate ?? "" });
      }
    } catch (error) {
      if (/** @type {{status?: number}} */ (error).status === 422) {
        return show({ verdict: "unknown" });
      }
      const local = { ...scans[0], gate: gateName() };
      const shown = await list.check(local);
      if (shown.verdict === "admitted") store([...now.current.pending, local]);
      show(shown);
    }
  };
  /** @param {Result} shown whose check-ins were a mistake */
  const undo = async (shown) => {
    try {
      const answer = await call("/undo", { scans: shown.undo });
      if (!answer) return;
      count(answer);
      setResult({ ...shown, verdict: "undone", undo: [], others: [] });
      await fetchList();
    } catch {
      setResult({ ...shown, verdict: "not_undone" });
    }
  };
  const fetchList = async () => {
    const number = list.request();
    try {
      const answer = await call("/list");
      if (answer) await list.take(number, answer, now.current.pending);
    } catch {
      // The last list stays.
    }
  };
  const sendPending = async () => {
    if (!now.current.pending.length) return;
    const batch = nextBatch(now.current.pending);
    const scans = batch.map(({ id, at, text }) => ({ id, at, text }));
    const answer = await call("/scans", { gate: batch[0].gate ?? gateName(), scans });
    if (!answer) return;
    countUp(answer.counts);
    const known = new Map(answer.results.map((/** @type {Result} */ one) => [one.scan_id, one]));
    // A list that comes between knows them as waiting or as noted.
    for (const { id, text } of batch) {
      const { checked_in_at: checkedInAt, gate: first = "" } = known.get(id) ?? {};
      if (text && checkedInAt) await list.note(text, { at: checkedInAt, gate: first });
    }
    store(withoutSent(now.current.pending, batch));
    /** @type {Result[]} */
    const refused = answer.results.filter(
      (/** @type {Result} */ { verdict }) => verdict !== "admitted",
    );
    if (refused.length) setClashes((before) => [...refused, ...before].slice(0, MAX_CLASHES));
  };

  useEffect(() => {
    setGate(load("surge-gate", ""));
    store(load(storageKey, []));
    let isGone = false;
    let isSyncing = false;
    const sync = async () => {
      // Over a slow network one takes longer than the pause, and two would send the same scans.
      if (isSyncing) return;
      isSyncing = true;
      try {
        await sendPending();
        const before = answered.current;
        const answer = await call("");
        if (answer && !isGone && answered.current === before) setCounts(answer);
      } catch {
        // Shown as offline.
      } finally {
        isSyncing = false;
      }
    };
    sync();
    fetchList();
    const timers = [setInterval(sync, SYNC_MS), setInterval(fetchList, LIST_MS)];
    return () => {
      isGone = true;
      timers.forEach(clearInterval);
    };
  }, [slug]);
  /** @param {string} name */
  const renameGate = (name) => {
    setGate(name);
    save("surge-gate", name);
  };
  const listedAt = list.at;
  return {
    ...{ call, isOnline, gate, renameGate, counts, result, pending, clashes, listedAt },
    ...{ submit, undo },
  };
};

/**
 * Tickets found by what is typed.
 * @param {(path: string) => Promise<any>} call
 * @param {unknown} stamp searches again when it changes
 */
export const useSearch = (call, stamp) => {
  const [query, setQuery] = useState("");
  const [found, setFound] = useState(/** @type {Ticket[]} */ ([]));
  useEffect(() => {
    const wanted = query.trim();
    if (wanted.length < 2) return setFound([]);
    let isOver = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await call(`/tickets?q=${encodeURIComponent(wanted)}`);
        if (answer && !isOver) setFound(answer.tickets);
      } catch {
        // Shown as offline.
      }
    }, 250);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [query, stamp]);
  return { query, setQuery, found };
};
