// Shows the notification that it is the visitor's turn, also where a page itself may show none
// (Android), and brings the waiting page back when it is pressed. Intercepts no request.

const worker = /** @type {any} */ (self);

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  const { address } = event.notification.data;
  event.notification.close();
  const open = async () => {
    /** @type {any[]} */
    const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
    const ours = pages.find((page) => /^\/(queue|book)\//.test(new URL(page.url).pathname));
    return ours ? ours.focus() : worker.clients.openWindow(address);
  };
  event.waitUntil(open());
});
