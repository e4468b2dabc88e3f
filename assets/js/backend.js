// Where the server is.

import env from "$/env.json";
import { getBackendURL } from "$/utils/state";

/**
 * The address of a path of the server; under hot reload the pages come from another port.
 * @param {string} path
 */
export const backendUrl = (path) =>
  new URL(path, typeof window === "undefined" ? "http://localhost" : getBackendURL(env.PING)).href;
