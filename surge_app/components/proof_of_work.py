"""Proof of work in the browser: what solves the check before joining, out of sight.

For a feed that joins a line. The feed adds `imports()` to its imports and `CODE` to its custom
code, and joins with

    const answer = await surgeJoin(post, onCheck, signal);

where `post(body)` sends the JSON body to `POST /api/queue/{slug}` and resolves to
`{status, body}`. If the server asks for a check (428), `surgeJoin` solves it in workers, calls
`onCheck(elapsedMs)` at once and about four times a second meanwhile, and posts again. It resolves
to the last answer: 428 only if no solution helps, because the browser keeps no cookies or has no
secure context.

`surgeSolve(challenge, onProgress, signal)` is the solving alone: a promise of the solution as
base64, rejected if it cannot be found. `surgeArrival()` is what a page tells of itself.

Pages that join place `honeypot()` once.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

CODE = """
// For how long this person has been here; the first page that joins remembers it for the next.
const surgeOpenedAt = () => {
  const here = performance.timeOrigin;
  try {
    const kept = Number(sessionStorage.getItem("surge-opened")) || here;
    const first = Math.min(kept, here);
    sessionStorage.setItem("surge-opened", String(first));
    return first;
  } catch {
    return here;
  }
};
const surgeArrival = () => ({
  website: document.getElementById("surge-website")?.value ?? "",
  opened_ms: Math.max(0, Math.round(Date.now() - surgeOpenedAt())),
});
const surgeSolve = (challenge, onProgress = () => {}, signal) =>
  new Promise((resolve, reject) => {
    const count = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 1));
    const workers = Array.from({ length: count }, () => new SurgeProofWorker());
    const started = performance.now();
    const timer = setInterval(() => onProgress(performance.now() - started), 250);
    let working = count;
    const end = (settle, value) => {
      clearInterval(timer);
      for (const worker of workers) worker.terminate();
      settle(value);
    };
    const failed = () => {
      working -= 1;
      if (working === 0) end(reject, new Error("no solution"));
    };
    signal?.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    onProgress(0);
    workers.forEach((worker, first) => {
      worker.onerror = failed;
      worker.onmessage = ({ data }) => {
        if (!data?.derivedKey) return failed();
        const { parameters, signature } = challenge;
        const payload = { challenge: { parameters, signature }, solution: data };
        end(resolve, btoa(JSON.stringify(payload)));
      };
      worker.postMessage({
        type: "work", challenge, counterStart: first, counterStep: count, timeout: 120000,
      });
    });
  });
const surgeJoin = async (post, onCheck, signal) => {
  let answer = await post(surgeArrival());
  for (let round = 0; round < 3 && answer.status === 428 && answer.body?.challenge; round += 1) {
    try {
      const solution = await surgeSolve(answer.body.challenge, onCheck, signal);
      answer = await post({ ...surgeArrival(), solution });
    } catch {
      break;
    }
  }
  return answer;
};
"""


def imports() -> dict[str, Any]:
    """Return the imports of `CODE`: the solver of ALTCHA, as a worker served from our own host."""
    worker = rx.ImportVar(
        tag="SurgeProofWorker", is_default=True, package_path="/workers/pbkdf2?worker"
    )
    return {"altcha@3.2.2": [worker]}


def honeypot() -> rx.Component:
    """Create a field that people neither see nor reach, and scripts that fill in forms fill in."""
    return rx.el.div(
        rx.el.label("Website", html_for="surge-website"),
        rx.el.input(
            id="surge-website", name="website", type="text", tab_index=-1, auto_complete="off"
        ),
        aria_hidden=True,
        style={
            "position": "absolute",
            "left": "-10000px",
            "width": "1px",
            "height": "1px",
            "overflow": "hidden",
        },
    )
