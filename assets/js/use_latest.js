import { useRef } from "react";

/**
 * The latest version of a handler, for effects that must not start again with each render.
 * @template T
 * @param {T} handler
 */
export const useLatest = (handler) => {
  const latest = useRef(handler);
  latest.current = handler;
  return latest;
};
