// @ts-check
/**
 * One stream of events a browser. Of all tabs one is the leader, which holds the stream and asks for what the tabs show; it passes both on to the
 * others. When it goes, another one takes over where it has stopped. HTTP/1.1 has six connections a host, and the seventh tab is to live.
 *
 * A tab learns of three things: events, pages that were asked for anew, and how the connection is.
 *
 * @module
 */

import { lead } from "./leading.js";

/**
 * An event of the server, as `GET /api/v1/events` tells it.
 * @typedef {{id: string, at_seconds: number, kind: string, transfer: number | null, path: string | null, fields: unknown, text: string}} ServerEvent
 */

/**
 * Message from tab to tab.
 * @typedef {{type: "event", event: ServerEvent} | {type: "renew"} | {type: "page", url: string, text: string, at: number}
 *   | {type: "want", url: string} | {type: "gone", url: string} | {type: "failed", url: string, status: number}
 *   | {type: "ended"}} Message
 */

/** Name of the lock that the leader holds, and of the channel between the tabs. */
const NAME = "p2p-live";
/** Where the identifier of the last event is kept, so that a leader goes on where the one before has stopped. */
const LAST = "p2p-last-event";
/** Time between two requests for a page, in milliseconds: while a tab is seen, and while none is. */
export const EVERY = { seen: 1_000, hidden: 10_000 };
/** Time after an event until the page is asked for, so that many events are one request. */
const SOON = 150;
/** Time without a page after which a tab that is seen asks by itself: browsers slow the timers of a leader that is not. */
const PATIENCE = 2_500;
/** Time after which a page that no tab has asked for again is no longer asked for. */
const WANTED_FOR = 15_000;

/**
 * Returns which of the wanted pages are still wanted.
 * @param {Map<string, number>} wanted pages with the instants at which they were asked for
 * @param {number} now
 * @returns {string[]}
 */
export function stillWanted(wanted, now) {
  return [...wanted].filter(([, at]) => now - at < WANTED_FOR).map(([url]) => url);
}

/**
 * Tells the tab of what happens.
 */
export class Live {
  /** @type {BroadcastChannel | null} */
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(NAME) : null;
  /** @type {Set<(message: Message) => void>} */
  #listeners = new Set();
  /** @type {Map<string, number>} */
  #wanted = new Map();
  /** @type {EventSource | null} */
  #stream = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Set<string>} */
  #asking = new Set();
  /** Page of this tab. @type {string | null} */
  #own = null;
  /** Instant at which the page of this tab has come last. */
  #came = Date.now();
  #isLeader = false;
  #hasEnded = false;

  /** True in the tab that holds the stream. */
  get isLeader() {
    return this.#isLeader;
  }

  /**
   * Calls a function for each message.
   * @param {(message: Message) => void} listener
   * @returns {() => void} ends it
   */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Begins, and keeps the page at an address fresh, if one is given.
   * @param {string | null} [page]
   */
  start(page = null) {
    this.#own = page;
    this.#channel?.addEventListener("message", (received) => this.#take(received.data));
    // A page that comes back from the cache of the browser asks at once.
    globalThis.addEventListener?.("pageshow", () => this.#want());
    globalThis.document?.addEventListener("visibilitychange", () => this.#want());
    globalThis.addEventListener?.("pagehide", () => page && this.#tell({ type: "gone", url: page }));
    setInterval(() => this.#want(), WANTED_FOR / 3);
    setInterval(() => this.#help(), 1_000);
    if (this.#channel && globalThis.navigator?.locks) {
      // The work is this tab's until it goes, and the next one's then.
      lead(NAME, "", (signal) => this.#lead(signal)).catch(() => this.#lead(new AbortController().signal));
    } else {
      // Every tab by itself, by asking alone: streams of many tabs would use up the connections.
      this.#isLeader = true;
      this.#plan(0);
    }
    this.#want();
  }

  /** Asks for the page of this tab at once. */
  renew() {
    this.#want();
    if (this.#isLeader) this.#plan(0);
    else this.#tell({ type: "renew" });
  }

  /** Says that this tab is there and what it shows. */
  #want() {
    if (this.#own === null || this.#hasEnded || globalThis.document?.visibilityState === "hidden") return;
    this.#note(this.#own);
    this.#tell({ type: "want", url: this.#own });
  }

  /** Asks for the page of this tab where the leader does not. */
  #help() {
    const isSeen = globalThis.document?.visibilityState !== "hidden";
    if (this.#own === null || this.#isLeader || this.#hasEnded || !isSeen) return;
    if (Date.now() - this.#came > PATIENCE) void this.#askFor(this.#own);
  }

  /** @param {string} url */
  #note(url) {
    const isNew = !this.#wanted.has(url);
    this.#wanted.set(url, Date.now());
    if (isNew && this.#isLeader) this.#plan(0);
  }

  /** @param {Message} message */
  #tell(message) {
    this.#channel?.postMessage(message);
  }

  /** Passes a message on to the other tabs and takes it itself. @param {Message} message */
  #spread(message) {
    this.#tell(message);
    this.#pass(message);
  }

  /** @param {Message} message */
  #pass(message) {
    if (message.type === "ended") this.#end();
    if (message.type === "page" && message.url === this.#own) this.#came = Date.now();
    for (const listener of this.#listeners) listener(message);
  }

  /** Takes a message of another tab. @param {Message} message */
  #take(message) {
    if (message.type === "want") this.#note(message.url);
    else if (message.type === "gone") this.#wanted.delete(message.url);
    else if (message.type === "renew" && this.#isLeader) this.#plan(0);
    else this.#pass(message);
  }

  /** Leads until the tab goes, or another one does. @param {AbortSignal} signal */
  async #lead(signal) {
    this.#isLeader = true;
    this.#open();
    this.#plan(0);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    this.#isLeader = false;
    this.#stream?.close();
    this.#stream = null;
    clearTimeout(this.#timer);
  }

  #open() {
    if (!("EventSource" in globalThis) || !this.#isLeader || this.#stream || this.#hasEnded) return;
    const after = stored(LAST);
    const stream = new EventSource(`/api/v1/events${after ? `?after=${encodeURIComponent(after)}` : ""}`);
    this.#stream = stream;
    stream.addEventListener("message", (message) => this.#told(message));
    stream.addEventListener("reset", (message) => {
      store(LAST, message.lastEventId);
      this.#spread({ type: "renew" });
      this.#plan(0);
    });
    stream.addEventListener("lost", () => this.#plan(0));
    stream.addEventListener("end", () => this.#spread({ type: "ended" }));
    stream.addEventListener("error", () => {
      // A browser does not come again after an answer that is none of events, as where the streams are as many as there may be.
      if (stream.readyState === EventSource.CLOSED && this.#stream === stream && !this.#hasEnded) {
        this.#stream = null;
        setTimeout(() => this.#open(), 30_000);
      }
    });
  }

  /** @param {MessageEvent<string>} message */
  #told(message) {
    store(LAST, message.lastEventId);
    this.#spread({ type: "event", event: JSON.parse(message.data) });
    this.#plan(SOON);
  }

  /** Asks for the pages after a time, or earlier if that is planned. @param {number} after */
  #plan(after) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), after);
  }

  #ask() {
    if (this.#hasEnded) return;
    for (const url of stillWanted(this.#wanted, Date.now())) void this.#askFor(url);
    const isSeen = stillWanted(this.#wanted, Date.now()).length > 0;
    this.#plan(isSeen ? EVERY.seen : EVERY.hidden);
  }

  /** @param {string} url */
  async #askFor(url) {
    // A slow answer is waited for, and not asked for once more beside it.
    if (this.#asking.has(url)) return;
    this.#asking.add(url);
    try {
      const answer = await fetch(url, { headers: { accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(10_000) });
      if (answer.redirected) return this.#spread({ type: "ended" });
      if (!answer.ok) return this.#spread({ type: "failed", url, status: answer.status });
      this.#spread({ type: "page", url, text: await answer.text(), at: Date.now() });
    } catch {
      // No answer: the age of the last one says so.
      this.#spread({ type: "failed", url, status: 0 });
    } finally {
      this.#asking.delete(url);
    }
  }

  #end() {
    this.#hasEnded = true;
    this.#stream?.close();
    clearTimeout(this.#timer);
  }
}

/** @param {string} key */
function stored(key) {
  try {
    return globalThis.localStorage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
function store(key, value) {
  try {
    if (value) globalThis.localStorage?.setItem(key, value);
  } catch {
    // Without a store the next leader begins with what happens then.
  }
}
