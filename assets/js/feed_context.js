// What a feed knows, for every component of its page.

import { createContext, createElement as h, useContext, useEffect, useState } from "react";

/** @typedef {import("./types").FeedValue} FeedValue */

const FeedContext = createContext(/** @type {FeedValue} */ ({}));
// A page that is shown again without being loaded starts with what it knew.
/** @type {Map<string, FeedValue>} */
const values = new Map();
const address = () => (typeof location === "undefined" ? "" : location.pathname);

/** The value of the page's feed. */
export const useFeed = () => useContext(FeedContext);

/**
 * Create the component that runs a feed and gives its value to its children.
 * @param {(push: import("./types").Push, base: FeedValue) => () => void} start
 */
export const createFeed = (start) => {
  /** @param {{base: FeedValue, children: import("react").ReactNode}} props */
  const FeedProvider = ({ base, children }) => {
    const [value, setValue] = useState(() => values.get(address()) ?? base);
    useEffect(() => {
      const path = address();
      return start((next) => {
        values.set(path, next);
        setValue(next);
      }, base);
    }, []);
    return h(FeedContext.Provider, { value }, children);
  };
  return FeedProvider;
};
