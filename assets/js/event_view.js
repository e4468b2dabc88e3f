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
});
