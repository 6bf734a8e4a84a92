// @ts-check
// Uploads of this browser at work: takes the next of the queue, sends it piece by piece, and tells the queue what becomes of it.
// One tab does so at a time, and it alone keeps them for later pages; the others show what it does, and hand it files and what a person wants.

import * as kept from "./kept.js";
import * as tus from "./tus.js";
import { Digests } from "./digests.js";
import { SILENT_AFTER, lead } from "./leading.js";
import { Meter, PIECE, another, due, isOver, item, needed, next, pieceAfter, placed } from "./queue.js";
import { Refused, ask, encoded, send, user } from "./request.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./queue.js").Event} Event */

/** Time in milliseconds for which files that a tab hands over are taken: less than a tab that does not answer has the work. */
const FRESH_FOR = 0.9 * SILENT_AFTER;
/** Reasons of refusals after which the offset is asked for again. */
const AGAIN = ["OUT_OF_RANGE", "TAKEN_OVER", "UNDER_WAY"];
/** Reasons of refusals of a piece because the upload goes on elsewhere, or is stored. */
const ELSEWHERE = ["OUT_OF_RANGE", "STATE"];

/** @typedef {import("./queue.js").There} There */

export class Uploads extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Item>} */
    this.items = new Map();
    /** @type {Map<string, Meter>} */
    this.meters = new Map();
    /** @type {Map<string, AbortController>} */
    this.running = new Map();
    /** Choice for all further conflicts. @type {"" | "replace" | "both" | "skip"} */
    this.forAll = "";
    this.isLeader = false;
    /** True once the page is being left: what breaks off then is no failure. */
    this.isLeft = false;
    /** Files that this page has had in its hands. @type {Map<string, File>} */
    this.files = new Map();
    /** Uploads whose files this tab alone has, as this browser does not keep them, or not yet. @type {Set<string>} */
    this.unkept = new Set();
    /** Uploads of which a later tab that sends has been handed the file. @type {Set<string>} */
    this.handed = new Set();
    this.user = user();
    this.name = `p2p-uploads ${this.user}`;
    this.channel = new BroadcastChannel(this.name);
    this.channel.onmessage = ({ data }) => this.heard(data);
    /** Ends the wait for the next look at the queue. @type {(() => void) | undefined} */
    this.wake = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.telling = undefined;
    this.digests = new Digests((id, sha256) => (sha256 ? this.apply(id, { type: "hashed", sha256 }) : this.unreadable(id)));
    /** @type {Map<string, Promise<void>>} */
    this.directories = new Map();
  }

  /** Shows what earlier pages have left and the tab that sends has, and becomes that tab once no other is. */
  async start() {
    kept.all(this.user).then((found) => this.merge(found));
    this.channel.postMessage({ type: "look" });
    window.addEventListener("pagehide", () => {
      if (this.isLeader) this.tell();
      this.isLeft = true;
    });
    await lead(this.name, identifier(), (signal) => this.lead(signal));
  }

  /**
   * Takes in what is kept. It is newer than what other tabs have told before it was asked for, and older than what has been done here since.
   * @param {Item[]} found
   * @param {Map<string, Item>} [told]
   */
  merge(found, told = new Map()) {
    for (const of of found) {
      const known = this.items.get(of.id);
      if (known && isOver(known)) kept.drop(of.id);
      else if (!known || (known === told.get(of.id) && !this.unkept.has(of.id))) this.items.set(of.id, this.isLeader ? this.begun(of) : of);
    }
    this.changed();
  }

  /** Returns an upload as it begins again: what another page was at, where the server says. @param {Item} of */
  begun(of) {
    const isCut = ["sending", "checking", "asking", "waiting"].includes(of.state);
    const isFound = of.state === "needs-file" && this.files.has(of.id);
    return isCut || isFound ? { ...of, state: /** @type {const} */ ("waiting"), retryAt: 0 } : of;
  }

  /** Sends until the page is gone, or another tab does. @param {AbortSignal} signal */
  async lead(signal) {
    this.isLeader = true;
    signal.addEventListener("abort", () => {
      this.isLeader = false;
      for (const stop of this.running.values()) stop.abort();
      this.wake?.();
      // What the tab that sends now has said meanwhile was not heard as such.
      this.channel.postMessage({ type: "look" });
    });
    const before = new Map(this.items);
    const read = kept.all(this.user).then((found) => this.merge(found, before));
    await Promise.race([read, new Promise((resolve) => setTimeout(resolve, kept.PATIENCE))]);
    if (signal.aborted) return;
    for (const of of this.items.values()) this.items.set(of.id, this.begun(of));
    this.keep([...this.unkept]);
    this.changed();
    this.tidy(read, signal).catch(() => undefined);
    while (!signal.aborted) {
      if (!this.isLeft) for (const found of due(this.items.values(), Date.now())) this.run(found.id);
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined);
        setTimeout(resolve, 500);
      });
    }
  }

  /**
   * Compares what is kept with what this tab has, once that is read.
   * @param {Promise<void>} read
   * @param {AbortSignal} signal
   */
  async tidy(read, signal) {
    await read;
    if (signal.aborted) return;
    const held = await kept.swept(this.files);
    if (!signal.aborted) this.compare(held);
  }

  /** Goes on with the files that the browser keeps, keeps those that it does not, and asks for those that are nowhere. @param {Set<string>} held */
  compare(held) {
    const open = [...this.items.values()].filter((of) => !isOver(of) && !this.unkept.has(of.id));
    const lacking = open.filter(({ id }) => !held.has(id) && this.files.has(id)).map(({ id }) => id);
    for (const id of lacking) this.unkept.add(id);
    this.keep(lacking);
    for (const { id, state } of open) {
      if (state === "needs-file" && held.has(id)) this.apply(id, { type: "file" });
      // What a person has stopped is asked for once they go on.
      if (state === "waiting" && !held.has(id) && !this.files.has(id)) this.apply(id, { type: "lost-file" });
    }
  }

  /**
   * Adds files to the queue. They are sent whether or not the browser keeps them.
   * @param {{directory: string, isGuest: boolean}} into
   * @param {import("./dropped.js").Found[]} found
   */
  add({ directory, isGuest }, found) {
    const added = found.map(({ path, file }) => {
      const of = { path: placed(directory, path, this.user), base: directory, user: this.user, guest: isGuest, size: file.size, modified: file.lastModified };
      return { of: item({ id: identifier(), ...of }), file };
    });
    this.take(added);
  }

  /** Takes uploads in with their files. @param {{of: Item, file: File}[]} added */
  take(added) {
    for (const { of, file } of added) {
      this.files.set(of.id, file);
      this.unkept.add(of.id);
      if (this.items.has(of.id)) this.apply(of.id, { type: "file" });
      else this.items.set(of.id, this.begun(of));
    }
    if (this.isLeader) this.keep(added.map(({ of }) => of.id));
    else this.hand();
    this.changed();
    this.wake?.();
  }

  /** Hands the tab that sends what it does not have yet. */
  hand() {
    const added = [...this.unkept].map((id) => ({ of: this.items.get(id), file: this.files.get(id) })).filter(({ of, file }) => of && file);
    this.channel.postMessage({ type: "added", added, at: Date.now() });
  }

  /** Keeps uploads for later pages, and then their files, which may take long. @param {string[]} ids */
  async keep(ids) {
    for (const id of ids) await this.keepItem(id);
    for (const id of ids) {
      const file = this.files.get(id);
      if (file && (await kept.putFile(id, file)) && (await this.keepItem(id))) this.unkept.delete(id);
      // Its end has not waited for the copy.
      const of = this.items.get(id);
      if (!of || isOver(of)) kept.drop(id);
    }
  }

  /** Keeps an upload that is not over. Returns false if the browser does not. @param {string} id */
  async keepItem(id) {
    const of = this.items.get(id);
    return of !== undefined && !isOver(of) && kept.put(of);
  }

  /** Takes what is over from the list. */
  clear() {
    if (!this.isLeader) this.channel.postMessage({ type: "clear" });
    for (const of of this.items.values()) if (isOver(of)) this.items.delete(of.id);
    this.changed();
  }

  /**
   * Does what a person wants of an upload, here or in the tab that sends.
   * @param {string} id
   * @param {Event} event
   */
  want(id, event) {
    if (!this.isLeader) this.channel.postMessage({ type: "want", id, event });
    else this.apply(id, event);
  }

  /**
   * Takes a file in again that this browser has lost.
   * @param {string} id
   * @param {File} file
   * @returns {boolean} false if it is another one
   */
  found(id, file) {
    const of = this.items.get(id);
    const name = of?.path.split("/").pop();
    if (!of || isOver(of) || file.name !== name || file.size !== of.size || file.lastModified !== of.modified) return false;
    this.take([{ of, file }]);
    return true;
  }

  /** @param {string} id @param {Event} event */
  async apply(id, event) {
    const of = this.items.get(id);
    if (!of || !this.isLeader || this.isLeft) return;
    const after = next(of, event);
    if (after === of) return;
    if (after.state !== "sending" && after.state !== "checking") this.running.get(id)?.abort();
    await this.put(after);
    if (after.state === "cancelled" && of.upload) tus.forget(of.upload).catch(() => undefined);
    this.wake?.();
  }

  /** @param {Item} after */
  async put(after) {
    this.items.set(after.id, after);
    this.changed();
    // A file that cannot be read is as good as none.
    if (after.state === "needs-file") for (const of of [this.files, this.unkept]) of.delete(after.id);
    // What is to be kept is so before the next step; what is forgotten may wait for the copy of another file.
    if (isOver(after)) this.forget(after.id);
    else await kept.put(after);
  }

  /** Forgets all of an upload that is over but its line. @param {string} id */
  forget(id) {
    for (const of of [this.meters, this.files, this.unkept]) of.delete(id);
    kept.drop(id);
  }

  /** Tells this page and the other tabs of the queue, a few times a second at the most. */
  changed() {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.dispatchEvent(new Event("change"));
      if (this.isLeader) this.tell();
    }, 200);
  }

  /** Tells the other tabs of the queue. */
  tell() {
    this.channel.postMessage({ type: "items", items: [...this.items.values()] });
  }

  /** Takes what another tab says. @param {any} data */
  heard(data) {
    if (data.type === "for-all") this.forAll = data.choice;
    if (data.type === "items" && !this.isLeader) this.told(data.items);
    if (!this.isLeader || this.isLeft) return;
    if (data.type === "look") this.changed();
    if (data.type === "want") this.apply(data.id, data.event);
    if (data.type === "clear") this.clear();
    if (data.type === "added") {
      // A tab hands its files again until it hears that they are taken.
      const isWanted = (/** @type {{of: Item}} */ { of }) => (this.items.get(of.id)?.state ?? "needs-file") === "needs-file";
      // To a page that has slept another tab may have sent, and be done with it.
      if (Date.now() - data.at < FRESH_FOR) this.take(data.added.filter(isWanted));
      else this.changed();
    }
  }

  /** Takes the queue of the tab that sends, and hands it what it lacks. @param {Item[]} items */
  told(items) {
    const [theirs, mine] = [new Map(items.map((of) => [of.id, of])), [...this.unkept]];
    for (const of of items) {
      this.unkept.delete(of.id);
      if (isOver(of) && this.files.has(of.id)) this.forget(of.id);
      // A tab that has sent before may have had the file without keeping it. One that cannot be read is handed once.
      if (of.state === "needs-file" && this.files.has(of.id) && !this.handed.has(of.id)) {
        this.handed.add(of.id);
        this.unkept.add(of.id);
      }
    }
    for (const id of mine) {
      const of = this.items.get(id);
      if (of && !theirs.has(id)) theirs.set(id, of);
    }
    this.items = theirs;
    if (this.unkept.size > 0) this.hand();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} id */
  async run(id) {
    const stop = new AbortController();
    this.running.set(id, stop);
    await this.apply(id, { type: "begun" });
    try {
      const file = this.files.get(id) ?? (await kept.file(id));
      // Reading shows whether the browser still has it.
      await file?.slice(0, 1).arrayBuffer();
      stop.signal.throwIfAborted();
      if (!file) await this.apply(id, { type: "lost-file" });
      else await this.upload(id, file, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) await this.failed(id, error);
    } finally {
      if (this.running.get(id) === stop) this.running.delete(id);
      this.wake?.();
    }
  }

  /** @param {string} id @param {unknown} error */
  failed(id, error) {
    if (this.isLeft) return undefined;
    if (error instanceof DOMException && (error.name === "NotReadableError" || error.name === "NotFoundError")) return this.unreadable(id);
    // That what an earlier page has sent is still being stored is nothing wrong.
    const isStoring = error instanceof Refused && error.status === 423 && error.reason === "UNDER_WAY";
    // Whose sign-in has ended goes on after the next one.
    const isOut = (error instanceof Refused && error.status === 401) || error instanceof kept.Silent;
    const problem = isStoring ? "" : error instanceof Error ? error.message : String(error);
    const isMade = Boolean(this.items.get(id)?.upload);
    if (isMade && error instanceof Refused && (error.status === 404 || error.status === 410)) return this.apply(id, { type: "gone" });
    if (error instanceof Refused && !error.isPassing && !isOut && !AGAIN.includes(error.reason)) return this.apply(id, { type: "refused", problem });
    return this.apply(id, { type: "interrupted", problem, isWait: isStoring || isOut, now: Date.now(), random: Math.random() });
  }

  /** Goes on with the copy that the browser keeps of a file which cannot be read any more; without one, asks for the file. @param {string} id */
  unreadable(id) {
    const isCopied = this.files.delete(id) && !this.unkept.delete(id);
    this.digests.drop(id);
    if (!isCopied) return this.apply(id, { type: "lost-file" });
    const problem = "The file has changed since; the copy in the browser is sent.";
    return this.apply(id, { type: "interrupted", problem, isWait: true, now: Date.now(), random: Math.random() });
  }

  /** @param {string} id @param {File} file @param {AbortSignal} signal */
  async upload(id, file, signal) {
    if (!(await this.prepared(id))) return;
    if (!this.items.get(id)?.sha256) this.digests.of(id, file);
    const of = /** @type {Item} */ (this.items.get(id));
    let { offset, stored } = await tus.state(of.upload);
    if (!stored) offset = await tus.taken(of.upload);
    const meter = new Meter();
    this.meters.set(id, meter);
    meter.note(Date.now(), offset);
    await this.apply(id, { type: "acknowledged", offset });
    for (let piece = PIECE[0]; !stored && !signal.aborted; ) {
      // An upload of which all has come while its page was left is stored by an empty piece, as an empty file is.
      const begun = Date.now();
      offset = await sent(of.upload, file, [offset, offset + piece], signal);
      meter.note(Date.now(), offset);
      piece = pieceAfter(piece, Date.now() - begun);
      await this.apply(id, { type: "acknowledged", offset });
      if (offset < file.size) continue;
      ({ offset, stored } = await tus.state(of.upload));
      if (!stored) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    if (stored) await this.apply(id, { type: "stored", sha256: stored });
  }

  /**
   * Looks at what is there already, makes the directories above, and makes the upload. Returns false if a person has to choose first.
   * @param {string} id
   */
  async prepared(id) {
    const of = /** @type {Item} */ (this.items.get(id));
    if (of.upload) return true;
    if (!of.decided) {
      const there = await look(of.path);
      if (there) {
        await this.apply(id, { type: "conflict", there });
        if (this.forAll) await this.choose(id, this.forAll);
        return false;
      }
    }
    await this.above(of);
    const upload = await tus.make(of).catch((error) => this.lost(of, error));
    await this.apply(id, { type: "made", upload });
    return this.items.get(id)?.upload === upload;
  }

  /** Returns the upload that an earlier page has made for an item and not heard of; fails as making one has if there is none. @param {Item} of @param {unknown} error */
  async lost(of, error) {
    if (!(error instanceof Refused) || error.reason !== "NAME_TAKEN") throw error;
    const found = await tus.lost(of);
    if (!found) throw error;
    return found;
  }

  /**
   * Decides a conflict.
   * @param {string} id
   * @param {"replace" | "both" | "skip"} choice
   */
  async choose(id, choice) {
    const of = this.items.get(id);
    if (!of) return;
    if (choice !== "both") return this.want(id, { type: "chosen", choice });
    let path = of.path;
    for (let number = 2; await look(path); number += 1) path = another(of.path, number);
    this.want(id, { type: "chosen", choice, path });
  }

  /** Lets a person choose once for this conflict and all that come. @param {"replace" | "both" | "skip"} choice */
  chooseAll(choice) {
    this.forAll = choice;
    this.channel.postMessage({ type: "for-all", choice });
  }

  /** Makes the directories that an upload needs, each once. @param {Item} of */
  above(of) {
    const directory = needed(of);
    if (!directory) return Promise.resolve();
    const making = this.directories.get(directory) ?? (of.guest ? present(directory, of.base) : made(directory));
    this.directories.set(directory, making);
    making.catch(() => this.directories.delete(directory));
    return making;
  }
}

/** @returns {string} 32 digits by chance; `randomUUID` is there in secure contexts alone */
function identifier() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Makes a directory and those above it. @param {string} directory */
async function made(directory) {
  await send("POST", "/api/v1/files/directories", { path: directory, parents: true });
}

/**
 * Fails unless a directory of another user is there: the right to store is one to files.
 * @param {string} directory
 * @param {string} base
 */
async function present(directory, base) {
  if (await look(directory)) return;
  const detail = `${directory} is not there, and who may store in ${base} stores files and makes no directories. Ask the owner to make it, and try again.`;
  throw new Refused(403, detail, "");
}

/**
 * Sends a piece of a file, and returns the offset after it. Where the upload is at another one, that is it.
 * @param {string} upload
 * @param {File} file
 * @param {[number, number]} range
 * @param {AbortSignal} signal
 */
async function sent(upload, file, [from, to], signal) {
  try {
    return await tus.send(upload, file.slice(from, to), from, signal);
  } catch (error) {
    if (!(error instanceof Refused) || !ELSEWHERE.includes(error.reason)) throw error;
    const offset = await tus.taken(upload);
    if (offset === from && error.reason === "OUT_OF_RANGE") throw error;
    return offset;
  }
}

/**
 * Returns what has a path already.
 * @param {string} path
 * @returns {Promise<There | null>}
 */
async function look(path) {
  try {
    const found = await (await ask(`/api/v1/files/info/${encoded(path)}`)).json();
    const entry = found.entry ?? found;
    return { size: entry.size_bytes ?? 0, modified: (entry.modified ?? 0) * 1000 };
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}
