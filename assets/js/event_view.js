// An event of the API as the pages show it.

/**
 * Add what the browser alone can know, and replace null by what the pages expect.
 * @param {Omit<import("./types").SurgeEvent, "opens_in_seconds">} event
 * @param {number} skew the server's clock minus ours (ms)
 * @param {number} [now]
 */
export const toEventView = (event, skew, now = Date.now()) => ({
  ...event,
  tiers: event.tiers.map((tier) => ({
    ...tier,
    sales_open_at: tier.sales_open_at ?? "",
    max_per_booking: tier.max_per_booking ?? 0,
  })),
  costs: event.tiers.some((tier) => tier.all_in_paise > 0),
  opens_in_seconds: event.sales_open_at
    ? Math.max(0, Math.ceil((Date.parse(event.sales_open_at) - now - skew) / 1000))
    : 0,
  is_next: false,
});

/**
 * Put the event whose sale opens next before the others, and mark it.
 * @template {{status: string, opens_in_seconds: number, is_next: boolean}} Event
 * @param {Event[]} events
 * @returns {Event[]}
 */
export const nextFirst = (events) => {
  const [next] = events
    .filter((event) => event.status === "scheduled" && event.opens_in_seconds > 0)
    .sort((one, other) => one.opens_in_seconds - other.opens_in_seconds);
  if (!next) return events;
  return [{ ...next, is_next: true }, ...events.filter((event) => event !== next)];
};
