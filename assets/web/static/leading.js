// @ts-check
// One tab of several does a work. Web Locks say which; where there are none, as on pages that are not from this machine and without TLS, a
// note in the storage that the tabs share does.

/** Time in milliseconds after which the note of a tab counts no more: a hidden tab may be woken once a minute only. */
export const LAPSES_AFTER = 90_000;
/** Time between two looks at whether another tab still has the work, in milliseconds. */
const EVERY = 1000;
/** Questions without an answer after which a tab has the work no more. A hidden tab is slow to ask, and to answer after some minutes. */
export const ASKS_MAX = 10;
/** Least time in milliseconds for which a tab has not answered when the work is taken from it. */
export const SILENT_AFTER = ASKS_MAX * EVERY;
/** Looks after an answer until it is asked for again. */
export const LOOKS = 5;

/** @type {Promise<void> | undefined} */
let pinned;

/**
 * Keeps this page from being frozen for the way back when it is left, and returns once that is so. A frozen page whose database is being opened
 * would hold that of all other pages.
 */
export function pin() {
  return (pinned ??= new Promise((resolve) => {
    // Browsers freeze no page that holds a lock, and none that waits for its end.
    if (!navigator.locks) window.addEventListener("unload", () => undefined);
    if (!navigator.locks) return resolve();
    const held = () => {
      resolve();
      return new Promise(() => undefined);
    };
    navigator.locks.request(`p2p-page ${crypto.getRandomValues(new Uint32Array(4)).join("-")}`, held).catch(() => resolve());
  }));
}

/** Note in a storage about who does a work. Without the DOM, so that node tests it. */
export class Note {
  /**
   * @param {Pick<Storage, "getItem" | "setItem" | "removeItem">} storage
   * @param {string} name
   * @param {string} own name of this tab
   */
  constructor(storage, name, own) {
    this.storage = storage;
    this.name = name;
    this.own = own;
  }

  /**
   * Takes the work, or keeps it.
   * @param {number} now milliseconds since 1970
   * @returns {boolean} false if another tab has it
   */
  take(now) {
    const [holder, at] = (this.storage.getItem(this.name) ?? "").split(" ");
    const isFree = !holder || holder === this.own || now - Number(at) >= LAPSES_AFTER;
    if (isFree) this.storage.setItem(this.name, `${this.own} ${now}`);
    return isFree;
  }

  /** Leaves the work to other tabs. */
  leave() {
    if (this.storage.getItem(this.name)?.startsWith(`${this.own} `)) this.storage.removeItem(this.name);
  }
}

/** Patience of a tab that waits for the work with the one that has it. Without the DOM and clocks, so that node tests it. */
export class Patience {
  /** Questions since the last answer; below 0, looks until the next one. */
  #asked = 0;

  /** Notes that the other tab has said something. */
  heard() {
    this.#asked = -LOOKS;
  }

  /**
   * Says what to do at a look: ask the other tab, wait, or take the work from it.
   * @returns {"ask" | "wait" | "take"}
   */
  next() {
    this.#asked += 1;
    if (this.#asked <= 0) return "wait";
    return this.#asked <= ASKS_MAX ? "ask" : "take";
  }
}

/** Returns what the browser keeps for the site; null where it denies that. */
function stored() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** @typedef {(signal: AbortSignal) => Promise<void>} Work ends soon after the signal, once it is not this tab's any more */

/**
 * Does a work once this tab is the one that does it, and again whenever it has become that anew.
 * @param {string} name
 * @param {string} own name of this tab
 * @param {Work} work
 */
export async function lead(name, own, work) {
  if (!navigator.locks) return noted(name, own, work);
  const channel = new BroadcastChannel(`${name} leads`);
  for (let isSilent = false; ; ) isSilent = await locked(name, isSilent, channel, work);
}

/**
 * Does a work while this tab holds the lock of it. Waits for the lock in line, or takes it from its holder. Returns true if the wait has ended
 * because the holder does not answer: a page that is left in the moment in which it gets the lock is frozen with it, for minutes.
 * @param {string} name
 * @param {boolean} isTaken
 * @param {BroadcastChannel} channel
 * @param {Work} work
 */
async function locked(name, isTaken, channel, work) {
  const patience = new Patience();
  const [waiting, leading] = [new AbortController(), new AbortController()];
  const watch = setInterval(() => {
    const step = patience.next();
    if (step === "ask") channel.postMessage("there?");
    if (step === "take") waiting.abort();
  }, EVERY);
  /** @type {Promise<void> | undefined} */
  let working;
  channel.onmessage = ({ data }) => {
    if (data === "here") patience.heard();
    // A page whose timers stand still does no work, though messages may reach it.
    else if (working) setTimeout(() => channel.postMessage("here"));
  };
  const held = () => {
    clearInterval(watch);
    channel.postMessage("here");
    return (working = work(leading.signal));
  };
  try {
    await navigator.locks.request(name, isTaken ? { steal: true } : { signal: waiting.signal }, held);
  } catch (error) {
    // Either this tab has waited for long enough, or another one has for this.
    if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
  } finally {
    clearInterval(watch);
    channel.onmessage = null;
    leading.abort();
  }
  await working;
  return waiting.signal.aborted;
}

/**
 * Does a work where there are no locks: the tab whose note is in the storage has it.
 * @param {string} name
 * @param {string} own
 * @param {Work} work
 */
async function noted(name, own, work) {
  const storage = stored();
  // Where the browser keeps nothing for the site, tabs cannot tell each other, and each does its own.
  if (storage === null) return work(new AbortController().signal);
  const note = new Note(storage, name, own);
  window.addEventListener("pagehide", () => note.leave());
  /** @type {AbortController | undefined} */
  let leading;
  for (;;) {
    const isMine = note.take(Date.now());
    if (!isMine) leading?.abort();
    if (isMine && !leading) {
      const begun = (leading = new AbortController());
      work(begun.signal).catch(() => undefined).finally(() => (leading = undefined));
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}
