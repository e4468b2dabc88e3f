import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { canVerify, linesOf, readKeys, readReceipt, verifyLog } from "../../assets/js/queue_log.js";

// tests/unit/waiting_room/log_vectors.py writes them, and `verify-queue` has the same tests.
const { keys: jwks, cases } = JSON.parse(
  readFileSync(new URL("../unit/waiting_room/queue_logs.json", import.meta.url), "utf8"),
);
const keys = await readKeys({ keys: jwks });
const sale = cases[0].lines;

for (const { name, lines, receipt, is_genuine, problems, events } of cases) {
  test(name, async () => {
    const read = receipt ? await readReceipt(receipt, keys) : null;
    assert.equal(read !== null, is_genuine && receipt !== "");
    const report = await verifyLog(lines, keys, read);
    const found = report.problems.map(({ line, code }) => `${line} ${code}`);
    assert.deepEqual(found.sort(), problems.map((one) => one.join(" ")).sort());
    assert.deepEqual(
      report.events.map(({ code }) => code),
      events,
    );
  });
}

test("every flipped byte of a log is found in its line", async () => {
  const raw = new TextEncoder().encode(`${sale.join("\n")}\n`);
  const text = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < raw.length; at += 7) {
    const changed = Uint8Array.from(raw);
    changed[at] ^= 1 + (at % 255);
    const line = raw.subarray(0, at).filter((byte) => byte === 10).length + 1;
    const { problems } = await verifyLog(linesOf(text.decode(changed)), keys, null);
    assert.equal(problems[0]?.line, line, `byte ${at}`);
  }
});

test("every pair of lines that changed places is found at the first of them", async () => {
  for (let one = 0; one < sale.length; one += 1) {
    for (let other = one + 1; other < sale.length; other += 1) {
      const moved = [...sale];
      [moved[one], moved[other]] = [moved[other], moved[one]];
      const { problems } = await verifyLog(moved, keys, null);
      assert.equal(problems[0]?.line, one + 1);
    }
  }
});

test("the sums are those of the log, and what happened has its place and time", async () => {
  const followed = cases.find(({ name }) => name === "a receipt leads to what happened");
  const receipt = await readReceipt(followed.receipt, keys);
  const report = await verifyLog(sale, keys, receipt);
  const { event, lines, issued, called, skipped, returned, left, gaps } = report;
  assert.deepEqual(
    { event, lines, issued, called, skipped, returned, left, gaps },
    { event: "gala", lines: 4, issued: 91, called: 11, skipped: 2, returned: 1, left: 9, gaps: 0 },
  );
  assert.deepEqual(report.events[0], {
    at_ms: 60000,
    code: "issued",
    values: { number: 8, ahead: 7 },
  });
});

test("a browser that cannot check signatures says so", async () => {
  assert.equal(await canVerify(), true);
  const { importKey } = crypto.subtle;
  crypto.subtle.importKey = async () => {
    throw new DOMException("Unrecognized name.", "NotSupportedError");
  };
  assert.equal(await canVerify(), false);
  crypto.subtle.importKey = importKey;
});

test("nothing is no line", () => {
  assert.deepEqual(linesOf(""), []);
  assert.deepEqual(linesOf("a\nb\n"), ["a", "b"]);
});
