import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, isConnectionLost, showFailure } from "../../assets/js/backoff.js";

const failed = (status, wait = 0) => ({ status, wait, body: {}, skew: 0 });
const middle = () => 0.5;

test("the pause doubles with each failure and ends at twelve seconds", () => {
  const pauses = [1, 2, 3, 4, 9].map((failures) => backoff(failed(503), failures, middle));
  assert.deepEqual(pauses, [2000, 4000, 8000, 12000, 12000]);
});

test("jitter spreads returning visitors over a factor of three", () => {
  assert.equal(
    backoff(failed(0), 4, () => 0),
    6000,
  );
  assert.equal(
    backoff(failed(0), 4, () => 1),
    18000,
  );
});

test("a server that names a pause is never asked sooner", () => {
  assert.equal(backoff(failed(503, 30), 1, middle), 30000);
  assert.ok(backoff(failed(429, 7), 5, () => 0) >= 7000);
  assert.equal(
    backoff(failed(429), 1, () => 0),
    1000,
  );
});

test("one lost answer is no lost connection, two are", () => {
  assert.equal(isConnectionLost(failed(0), 1, true), false);
  assert.equal(isConnectionLost(failed(0), 2, true), true);
  assert.equal(isConnectionLost(failed(0), 1, false), true);
  assert.equal(isConnectionLost(failed(503), 5, true), false);
});

test("a failure keeps what is shown, and only an empty page becomes an error", () => {
  const [kept] = showFailure(failed(503), { phase: "ready" }, 1);
  assert.deepEqual([kept.phase, kept.offline], ["ready", true]);
  const [first] = showFailure(failed(503), { phase: "loading" }, 1);
  assert.equal(first.phase, "error");
  assert.deepEqual(showFailure(failed(404), { phase: "loading" }, 1), [
    { phase: "missing", offline: false },
    null,
  ]);
});
