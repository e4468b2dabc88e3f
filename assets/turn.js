// Shows the notification that it is someone's turn, also where a page itself may show none
// (Android), and brings the waiting page back when it is pressed. Intercepts no request.
addEventListener("notificationclick", (event) => {
  const { address } = event.notification.data;
  event.notification.close();
  const open = async () => {
    const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
    const ours = pages.find((page) => /^\/(queue|book)\//.test(new URL(page.url).pathname));
    return ours ? ours.focus() : clients.openWindow(address);
  };
  event.waitUntil(open());
});
