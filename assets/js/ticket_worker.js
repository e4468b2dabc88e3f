// Opens a booking without a connection, from the copy that its page has saved in this browser.
// The network always comes first, and nothing else is ever answered from a copy.
// A worker whose parts stand in modules of their own does not start in older browsers.

const COPIES = "surge-tickets";
const BOOKING = /^\/bookings\/[^/]+(?=\/?$)/;
const PART =
  /^\/(?:surge|controls|pages|queue)\.css$|^\/js\/(?:forget_tickets|storage|ticket_copies)\.js$/;
const GONE = new Set([404, 410]);
const UNREACHABLE = new Set([502, 503, 504]);

const worker = /** @type {any} */ (self);

/** @param {string} path */
const copyOf = async (path) => {
  const copy = await caches.match(path, { cacheName: COPIES, ignoreVary: true });
  const ends = Date.parse(copy?.headers.get("expires") ?? "");
  return ends < Date.now() ? undefined : copy;
};

/**
 * @param {Request} request
 * @param {string} path
 */
const openBooking = async (request, path) => {
  let answer;
  try {
    answer = await fetch(request);
  } catch (error) {
    const copy = await copyOf(path);
    if (copy) return copy;
    throw error;
  }
  if (GONE.has(answer.status)) {
    const copies = await caches.open(COPIES);
    await copies.delete(path, { ignoreVary: true });
  }
  return UNREACHABLE.has(answer.status) ? ((await copyOf(path)) ?? answer) : answer;
};

/**
 * @param {Request} request
 * @param {string} path
 */
const loadPart = async (request, path) => {
  try {
    return await fetch(request);
  } catch (error) {
    const copy = await copyOf(path);
    if (copy) return copy;
    throw error;
  }
};

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  const booking = BOOKING.exec(pathname)?.[0];
  if (request.mode === "navigate" && booking) event.respondWith(openBooking(request, booking));
  else if (PART.test(pathname)) event.respondWith(loadPart(request, pathname));
});
