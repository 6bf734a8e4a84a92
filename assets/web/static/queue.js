// @ts-check
// The queue of uploads as a state machine: what an upload is, what becomes of it by each event, and which one is next. Without the DOM,
// clocks and requests, so that node tests it.

/**
 * State of an upload.
 * - `waiting`: nothing has begun, or it waits for its next try
 * - `asking`: something of its name is there, and a person chooses
 * - `sending`: its content is on the way
 * - `checking`: all of it is there, and the digests are compared
 * - `paused`: a person has stopped it
 * - `needs-file`: this browser has lost the file and asks for it
 * - `failed`: it did not work, and waits for a person
 * - `done`, `skipped`, `cancelled`: over
 * @typedef {"waiting" | "asking" | "sending" | "checking" | "paused" | "needs-file" | "failed" | "done" | "skipped" | "cancelled"} State
 */

/** What is at the path of an upload already. @typedef {{size: number, modified: number}} There */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {string} path path of the file at the server
 * @property {string} base path of the directory that it was dropped on; empty for the root
 * @property {string} user name of the user whose upload it is
 * @property {boolean} guest true if it goes to another user, of whom nothing is replaced
 * @property {number} size bytes of the whole
 * @property {number} modified milliseconds since 1970
 * @property {State} state
 * @property {number} offset bytes that the server has acknowledged
 * @property {string} upload address of the upload at the server; empty before it is made
 * @property {boolean} replace true if it may take the place of what is there
 * @property {boolean} decided true once a conflict is decided
 * @property {There | null} there what has its name already, while a person chooses
 * @property {number} tries failures in a row
 * @property {number} retryAt time of the next try, in milliseconds since 1970
 * @property {string} problem sentence about what is wrong
 * @property {string} sha256 digest that this page has computed
 * @property {string} stored digest that the server has stored
 */

/**
 * @typedef {{type: "begun"} | {type: "conflict", there: There} | {type: "chosen", choice: "replace" | "skip"} | {type: "chosen", choice: "both", path: string}
 *   | {type: "made", upload: string} | {type: "acknowledged", offset: number} | {type: "interrupted", problem: string, isWait?: boolean, now: number, random: number}
 *   | {type: "refused", problem: string} | {type: "pause"} | {type: "resume"} | {type: "cancel"} | {type: "lost-file"} | {type: "file"}
 *   | {type: "hashed", sha256: string} | {type: "stored", sha256: string} | {type: "gone"}} Event
 */

/** Uploads that run at once. */
export const AT_ONCE = 2;
/** Tries in a row before a person is asked. */
export const TRIES_MAX = 8;
/** Least and largest length of a piece, in bytes. */
export const PIECE = [256 << 10, 8 << 20];

/**
 * @param {{id: string, path: string, base?: string, user?: string, guest?: boolean, size: number, modified: number}} of
 * @returns {Item}
 */
export function item({ id, path, base = "", user = "", guest = false, size, modified }) {
  return {
    id, path, base, user, guest, size, modified, there: null, state: "waiting", offset: 0, upload: "", replace: false, decided: false, tries: 0, retryAt: 0, problem: "", sha256: "", stored: "",
  };
}

/**
 * Returns true if nothing more becomes of an upload.
 * @param {Item} of
 */
export function isOver({ state }) {
  return state === "done" || state === "skipped" || state === "cancelled";
}

/**
 * Returns what an upload is after an event. An event that does not concern its state changes nothing.
 * @param {Item} of
 * @param {Event} event
 * @returns {Item}
 */
export function next(of, event) {
  if (isOver(of)) return of;
  const runs = of.state === "sending" || of.state === "checking";
  switch (event.type) {
    case "begun":
      return of.state === "waiting" ? { ...of, state: "sending", problem: "" } : of;
    case "conflict":
      return of.state === "sending" ? { ...of, state: "asking", there: event.there } : of;
    case "chosen":
      return of.state === "asking" ? chosen(of, event) : of;
    case "made":
      return of.state === "sending" ? { ...of, upload: event.upload, offset: 0 } : of;
    case "acknowledged":
      return runs ? { ...of, offset: event.offset, tries: event.offset > of.offset ? 0 : of.tries, problem: "" } : of;
    case "interrupted":
      return runs ? interrupted(of, event) : of;
    case "refused":
      return runs ? { ...of, state: "failed", problem: event.problem } : of;
    case "gone":
      // The server does not know the upload any more: it begins again, once.
      return runs ? { ...of, state: "waiting", upload: "", offset: 0, tries: of.tries + 1, problem: "" } : of;
    case "pause":
      return runs || of.state === "waiting" ? { ...of, state: "paused", problem: "" } : of;
    case "resume":
      return of.state === "paused" || of.state === "failed" || of.state === "waiting" ? { ...of, state: "waiting", tries: 0, retryAt: 0, problem: "" } : of;
    case "cancel":
      return { ...of, state: "cancelled", problem: "" };
    case "lost-file":
      return { ...of, state: "needs-file", problem: "" };
    case "file":
      return of.state === "needs-file" ? { ...of, state: "waiting", tries: 0, retryAt: 0 } : of;
    case "hashed":
      return compared({ ...of, sha256: event.sha256 });
    case "stored":
      return runs ? compared({ ...of, state: "checking", stored: event.sha256, offset: of.size }) : of;
    default:
      return of;
  }
}

/**
 * @param {Item} of
 * @param {Extract<Event, {type: "chosen"}>} event
 * @returns {Item}
 */
function chosen(of, event) {
  if (event.choice === "skip") return { ...of, state: "skipped" };
  if (event.choice === "replace" && of.guest) return of;
  const waiting = { ...of, there: null, state: /** @type {State} */ ("waiting"), decided: true };
  return event.choice === "both" ? { ...waiting, path: event.path } : { ...waiting, replace: true };
}

/**
 * @param {Item} of
 * @param {Extract<Event, {type: "interrupted"}>} event
 * @returns {Item}
 */
function interrupted(of, { problem, isWait, now, random }) {
  // A server that still stores what has come is waited for, however long, and so is a sign-in; that is no failure.
  if (isWait) return { ...of, state: "waiting", problem, retryAt: now + backoff(problem ? TRIES_MAX : 1, random) };
  const tries = of.tries + 1;
  if (tries >= TRIES_MAX) return { ...of, state: "failed", tries, problem };
  return { ...of, state: "waiting", tries, problem, retryAt: now + backoff(tries, random) };
}

/**
 * Compares the digests once both are known: nothing is done that was not proved.
 * @param {Item} of
 * @returns {Item}
 */
function compared(of) {
  if (of.state !== "checking" || of.sha256 === "" || of.stored === "") return of;
  if (of.sha256 === of.stored) return { ...of, state: "done", problem: "" };
  return { ...of, state: "failed", problem: "The server has stored other content than this page has read: the file has changed meanwhile, or was damaged. Upload it again." };
}

/**
 * Returns the time until the next try in milliseconds: from a second on, doubled each time, a minute at the most, and up to a half of it
 * left out by chance, so that not all come back at once.
 * @param {number} tries
 * @param {number} random from 0 to 1
 */
export function backoff(tries, random) {
  return Math.min(60_000, 1000 * 2 ** (tries - 1)) * (0.5 + random / 2);
}

/**
 * Returns the uploads that are to begin now.
 * @param {Iterable<Item>} items
 * @param {number} now
 * @returns {Item[]}
 */
export function due(items, now) {
  const all = [...items];
  const running = all.filter(({ state }) => state === "sending" || state === "checking").length;
  return all.filter(({ state, retryAt }) => state === "waiting" && retryAt <= now).slice(0, Math.max(0, AT_ONCE - running));
}

/**
 * Returns the length of the next piece: one takes from one to four seconds, so that progress is seen and a failure costs little.
 * @param {number} piece length of the last one
 * @param {number} millis time that it took
 */
export function pieceAfter(piece, millis) {
  if (millis < 1000) return Math.min(PIECE[1], piece * 2);
  return millis > 4000 ? Math.max(PIECE[0], piece / 2) : piece;
}

/**
 * Returns a name that is not taken, as in `report (2).pdf`.
 * @param {string} path
 * @param {number} number
 */
export function another(path, number) {
  const [, start, end] = /^(.*?)(\.[^./]+)?$/s.exec(path) ?? ["", path, ""];
  const isHidden = start === "" || start.endsWith("/");
  return isHidden ? `${path} (${number})` : `${start} (${number})${end ?? ""}`;
}

/**
 * Returns the path of what is dropped on a directory. At the root a name that begins like the tree of another user is written with its owner.
 * @param {string} directory path of the directory; empty for the root
 * @param {string} path path below it
 * @param {string} user name of the user who drops it
 */
export function placed(directory, path, user) {
  if (directory) return `${directory}/${path}`;
  return path.startsWith("~") ? `~${user}/${path}` : path;
}

/**
 * Returns the directory that an upload needs and that may be missing: of what was dropped on a directory itself, which is there, none.
 * @param {Pick<Item, "path" | "base" | "user">} of
 * @returns {string} empty if there is none
 */
export function needed({ path, base, user }) {
  const directory = path.split("/").slice(0, -1).join("/");
  return directory === base || directory === `~${user}` ? "" : directory;
}

/** Rate of bytes over the last seconds. */
export class Meter {
  /** @param {number} span length in milliseconds over which the rate is measured */
  constructor(span = 10_000) {
    this.span = span;
    /** @type {{at: number, bytes: number}[]} */
    this.marks = [];
  }

  /**
   * Notes how many bytes were acknowledged at a time.
   * @param {number} at
   * @param {number} bytes
   */
  note(at, bytes) {
    this.marks.push({ at, bytes });
    while (this.marks.length > 2 && this.marks[1].at <= at - this.span) this.marks.shift();
  }

  /**
   * Returns the bytes per second, and the span in milliseconds over which they were measured; `null` before there are any.
   * @param {number} now
   */
  rate(now) {
    const [first, last] = [this.marks[0], this.marks[this.marks.length - 1]];
    if (!first || last.bytes <= first.bytes || now <= first.at) return null;
    const span = now - first.at;
    return { perSecond: ((last.bytes - first.bytes) / span) * 1000, span };
  }
}
