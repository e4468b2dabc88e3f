// Codes in what is typed, key by key.

const CODE = /SRG1\.\S*$/i;
const MIN_CODE = 6;
const PAUSE_MS = 1000;
// A code that has begun may take longer: some scanners type slowly.
const CODE_PAUSE_MS = 10000;

/**
 * What was typed by now, with one more key. After a pause it starts anew.
 * @param {{typed: string, at: number}} before
 * @param {string} key
 * @param {number} at
 */
export const addKey = (before, key, at) => {
  const pause = CODE.test(before.typed) ? CODE_PAUSE_MS : PAUSE_MS;
  return { typed: (at - before.at > pause ? "" : before.typed) + key, at };
};

/**
 * The code in what was typed. In a field only one that is a ticket's for sure.
 * @param {string} typed
 * @param {boolean} isInField
 */
export const typedCode = (typed, isInField) => {
  const code = CODE.exec(typed)?.[0];
  return code ?? (isInField || typed.length < MIN_CODE ? "" : typed);
};
