// @ts-check
// One tab of several does a work. Web Locks say which; where there are none, as on pages that are not from this machine and without TLS, a
// note in the storage that the tabs share does.

/** Time in milliseconds after which the note of a tab counts no more: a hidden tab may be woken once a minute only. */
export const LAPSES_AFTER = 90_000;
/** Time between two looks at the note of another tab, in milliseconds. */
const EVERY = 1000;

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

/** Returns what the browser keeps for the site; null where it denies that. */
function stored() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/**
 * Does a work once this tab is the one that does it, and again whenever it has become that anew.
 * @param {string} name
 * @param {string} own name of this tab
 * @param {(isMine: () => boolean) => Promise<void>} work ends soon after it is told that it is not this tab's any more
 */
export async function lead(name, own, work) {
  if (navigator.locks) return navigator.locks.request(name, () => work(() => true));
  const storage = stored();
  // Where the browser keeps nothing for the site, tabs cannot tell each other, and each does its own.
  if (storage === null) return work(() => true);
  const note = new Note(storage, name, own);
  window.addEventListener("pagehide", () => note.leave());
  for (;;) {
    if (note.take(Date.now())) await work(() => note.take(Date.now()));
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}
