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
 * An event with what is free of each of its tiers now.
 * @template {import("./types").SurgeEvent} Event
 * @param {Event} event
 * @param {number[]} counts in the order of the tiers
 * @param {number} held
 * @returns {Event}
 */
export const withStock = (event, counts, held) => {
  if (counts.length !== event.tiers.length) return event;
  const isUnderway = ["on_sale", "all_held", "sold_out"];
  const tiers = event.tiers.map((tier, index) => {
    const available = counts[index] ?? 0;
    // Of which tiers some are held is not counted, so none left is just that.
    const now = available > 0 ? "on_sale" : held > 0 ? tier.status : "sold_out";
    const status = isUnderway.includes(tier.status) ? now : tier.status;
    return { ...tier, available, status };
  });
  return { ...event, tiers };
};

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
