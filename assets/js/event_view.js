// An event of the API as the pages show it.

/**
 * The lowest all-in price that can still be paid; of all tiers if none is available.
 * @param {import("./types").Tier[]} tiers
 */
export const lowestPrice = (tiers) => {
  const open = tiers.filter((tier) => tier.available > 0 && tier.status !== "ended");
  return Math.min(...(open.length ? open : tiers).map((tier) => tier.all_in_paise));
};

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
  from_paise: lowestPrice(event.tiers),
  costs: event.tiers.some((tier) => tier.all_in_paise > 0),
  opens_in_seconds: event.sales_open_at
    ? Math.max(0, Math.ceil((Date.parse(event.sales_open_at) - now - skew) / 1000))
    : 0,
});
