import assert from "node:assert/strict";
import { test } from "node:test";
import { addKey, typedCode } from "../../assets/js/typed_codes.js";

const type = (text, pause) =>
  [...text].reduce((before, key, index) => addKey(before, key, index * pause), {
    typed: "",
    at: 0,
  });

test("a typed code is read at any pace, and what was typed before it is left out", () => {
  assert.equal(typedCode(type("SRG1.1.ABCDEF", 60).typed, true), "SRG1.1.ABCDEF");
  assert.equal(typedCode(type("ashaSRG1.1.ABCDEF", 60).typed, true), "SRG1.1.ABCDEF");
});

test("a name typed into a field is no code, and outside of one an old code is", () => {
  assert.equal(typedCode(type("asha rao", 60).typed, true), "");
  assert.equal(typedCode(type("T-ABC123", 60).typed, false), "T-ABC123");
  assert.equal(typedCode(type("asha", 60).typed, false), "");
});

test("after a pause the text starts anew, unless a code has begun", () => {
  assert.equal(type("ab", 2000).typed, "b");
  assert.equal(addKey({ typed: "SRG1.1.A", at: 0 }, "B", 5000).typed, "SRG1.1.AB");
});
