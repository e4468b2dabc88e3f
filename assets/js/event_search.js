// What a visitor looks for in the list of events: kept in the address, asked of the API.

/** @typedef {{q: string, city: string, category: string, when: string}} Search */

const PAGE = 60;
/** The most that the API lists. */
export const MOST = 200;
const SATURDAY = 6;

/**
 * @param {string} query of the address
 * @returns {Search}
 */
export const readSearch = (query) => {
  const typed = new URLSearchParams(query);
  /** @param {string} name @param {number} longest */
  const value = (name, longest) => (typed.get(name) ?? "").trim().slice(0, longest);
  return {
    q: value("q", 100),
    city: value("city", 60),
    category: value("category", 40),
    when: value("when", 20),
  };
};

/** @param {Search} search */
export const isNarrowed = (search) => Object.values(search).some(Boolean);

/**
 * The first moment of a span of days and the first after it, in the visitor's own zone.
 * @param {string} when today, weekend, week or month; anything else is any date
 * @param {Date} now
 * @returns {{from: Date, to: Date} | null}
 */
export const dateRange = (when, now) => {
  /** @param {number} days */
  const midnight = (days) =>
    new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 0, 0, 0);
  // On a Sunday the weekend is what is left of it.
  const saturday = now.getDay() === 0 ? -1 : SATURDAY - now.getDay();
  switch (when) {
    case "today":
      return { from: midnight(0), to: midnight(1) };
    case "weekend":
      return { from: midnight(Math.max(0, saturday)), to: midnight(saturday + 2) };
    case "week":
      return { from: midnight(0), to: midnight(7) };
    case "month":
      return { from: midnight(0), to: midnight(30) };
    default:
      return null;
  }
};

/**
 * The query of the API for a search.
 * @param {Search} search
 * @param {number} limit
 * @param {Date} [now]
 */
export const apiQuery = ({ q, city, category, when }, limit, now = new Date()) => {
  const range = dateRange(when, now);
  const query = new URLSearchParams({ limit: String(limit) });
  const wanted = {
    q,
    city,
    category,
    from: range?.from.toISOString(),
    to: range?.to.toISOString(),
  };
  for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
  return query.toString();
};

/**
 * How many events to show after another press.
 * @param {number} limit
 */
export const nextLimit = (limit = 0) => Math.min(MOST, limit + PAGE);
