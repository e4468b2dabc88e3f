// The check before joining: a proof of work, solved in workers and out of sight.

import SolverWorker from "altcha/workers/pbkdf2?worker";
import { arrival } from "./arrival.js";

const TIMEOUT_MS = 120000;
const MAX_WORKERS = 4;
const MAX_ATTEMPTS = 3;

/**
 * Solve a challenge; rejects if no solution is found.
 * @param {{parameters: unknown, signature: string}} challenge
 * @param {(elapsedMs: number) => void} onProgress called about four times a second
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>} the solution as base64
 */
const solve = (challenge, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const count = Math.max(1, Math.min(MAX_WORKERS, navigator.hardwareConcurrency || 1));
    const workers = Array.from({ length: count }, () => new SolverWorker());
    const started = performance.now();
    const timer = setInterval(() => onProgress(performance.now() - started), 250);
    let working = count;
    /** @param {() => void} settle */
    const end = (settle) => {
      clearInterval(timer);
      for (const worker of workers) worker.terminate();
      settle();
    };
    const failed = () => {
      working -= 1;
      if (working === 0) end(() => reject(new Error("no solution")));
    };
    signal?.addEventListener("abort", () => end(() => reject(signal.reason)), { once: true });
    onProgress(0);
    workers.forEach((worker, first) => {
      worker.onerror = failed;
      worker.onmessage = ({ data }) => {
        if (!data?.derivedKey) return failed();
        const { parameters, signature } = challenge;
        const payload = { challenge: { parameters, signature }, solution: data };
        end(() => resolve(btoa(JSON.stringify(payload))));
      };
      worker.postMessage({
        type: "work",
        challenge,
        counterStart: first,
        counterStep: count,
        timeout: TIMEOUT_MS,
      });
    });
  });

/**
 * Join a queue, solving the check if the server asks for one (428).
 * @param {(body: object) => Promise<import("./types").Answer>} post
 * @param {(elapsedMs: number) => void} onCheck called while the check runs
 * @param {AbortSignal} [signal]
 * @returns the last answer; 428 only where no solution helps, because the browser keeps no
 *   cookies or has no secure context
 */
export const join = async (post, onCheck, signal) => {
  let answer = await post(arrival());
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (answer.status !== 428 || !answer.body?.challenge) break;
    try {
      const solution = await solve(answer.body.challenge, onCheck, signal);
      answer = await post({ ...arrival(), solution });
    } catch {
      break;
    }
  }
  return answer;
};
