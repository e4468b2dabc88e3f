// Shapes that cross modules. The API's are described in surge_app/components/feed_types.py.

/** One answer of the API. */
export interface Answer {
  /** 0 if there was no usable answer. */
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the API's documents differ by address
  body: any;
  /** Seconds the server asks to wait. */
  wait: number;
  /** The server's clock minus ours (ms), so that no countdown depends on a wrong clock. */
  skew: number;
  /** Whether it was computed from what is the same for everyone. */
  isPublic?: boolean;
}

export interface Tier {
  available: number;
  status: string;
  all_in_paise: number;
  sales_open_at?: string | null;
  max_per_booking?: number | null;
}

export interface SurgeEvent {
  status: string;
  name: string;
  tiers: Tier[];
  sales_open_at?: string | null;
  opens_in_seconds: number;
}

/** What a feed pushes to its page; the pages read it as one of the types of feed_types.py. */
// biome-ignore lint/suspicious/noExplicitAny: each feed has fields of its own
export type FeedValue = Record<string, any>;
export type Push = (value: FeedValue) => void;

export interface Feed {
  /** Change the value and push it. */
  put: (patch: FeedValue) => void;
  /** Ask now; `anew` abandons a request under way. */
  run: (options?: { anew?: boolean }) => void;
  /** Stop asking until `run`. */
  halt: () => void;
  get: () => FeedValue;
}

/** The change of the value, and the milliseconds until the next request (null: none). */
export type Outcome = [FeedValue, number | null];
export type After = (ms: number, then: () => void) => () => void;

export interface FeedOptions {
  base: FeedValue;
  push: Push;
  /** Send the request; null means that none was wanted. */
  ask: (signal: AbortSignal, feed: Feed) => Promise<Answer | null>;
  take: (answer: Answer, value: FeedValue, feed: Feed) => Outcome;
  fail?: (answer: Answer, value: FeedValue, failures: number, feed: Feed) => Outcome;
  after?: After;
  start?: (feed: Feed) => void;
  // biome-ignore lint/suspicious/noExplicitAny: each name of an event has a type of its own
  on?: Record<string, (feed: Feed, event: any) => void>;
}

/** The language of a page with its sentences; see language.js. */
export interface ChosenLanguage {
  tag: string;
  locale: string;
  dir: "ltr" | "rtl";
  /** By the key of the English sentence: its one form, or one for each plural form. */
  texts: Record<string, string[]>;
  plural: (number: number) => number;
}

/** The document of a line of a queue's public log; see public_log.py. */
export interface LogEntry {
  event?: string;
  seq?: number;
  at_ms?: number;
  previous?: string;
  start?: number;
  issued?: [number, number];
  steps?: string;
  draw?: { commitment?: string; seed?: string };
  gap?: boolean;
}
