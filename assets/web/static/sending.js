// @ts-check
// Uploads of this browser at work: takes the next of the queue, sends it piece by piece, and tells the queue what becomes of it.
// One tab does so at a time; the others show what it does and tell it what a person wants.

import * as kept from "./kept.js";
import * as tus from "./tus.js";
import { Meter, PIECE, another, due, isOver, item, next, pieceAfter } from "./queue.js";
import { Refused, ask, encoded, send } from "./request.js";
import { ofFile } from "./sha256.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./queue.js").Event} Event */

/** Reasons of refusals after which the offset is asked for again. */
const AGAIN = ["OUT_OF_RANGE", "TAKEN_OVER", "UNDER_WAY"];

/** What is at the path of an upload already. @typedef {{size: number, modified: number}} There */

export class Uploads extends EventTarget {
  constructor() {
    super();
    /** @type {Map<string, Item>} */
    this.items = new Map();
    /** @type {Map<string, Meter>} */
    this.meters = new Map();
    /** @type {Map<string, AbortController>} */
    this.running = new Map();
    /** @type {Map<string, There>} */
    this.there = new Map();
    /** Choice for all further conflicts. @type {"" | "replace" | "both" | "skip"} */
    this.forAll = "";
    this.isLeader = false;
    this.channel = new BroadcastChannel("p2p-uploads");
    this.channel.onmessage = ({ data }) => this.heard(data);
    /** Ends the wait for the next look at the queue. @type {(() => void) | undefined} */
    this.wake = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.telling = undefined;
    /** Worker that computes digests; `null` where there is none. @type {Worker | null | undefined} */
    this.hasher = undefined;
    /** Files of which the digest is computed. @type {Map<string, File>} */
    this.hashing = new Map();
    /** @type {Map<string, Promise<void>>} */
    this.directories = new Map();
  }

  /** Reads what earlier pages have left, and becomes the tab that sends once no other is. */
  async start() {
    for (const found of await kept.all()) this.items.set(found.id, found);
    this.changed();
    const lead = () => {
      this.isLeader = true;
      return this.lead();
    };
    if (navigator.locks) await navigator.locks.request("p2p-uploads", lead);
    else await lead();
  }

  /** Sends until the page is gone. */
  async lead() {
    for (const found of await kept.all()) {
      // What the last page was at begins again where the server says.
      const isCut = found.state === "sending" || found.state === "checking" || found.state === "asking";
      this.items.set(found.id, isCut ? { ...found, state: "waiting", retryAt: 0 } : found);
    }
    this.changed();
    for (;;) {
      for (const found of due(this.items.values(), Date.now())) this.run(found.id);
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined);
        setTimeout(resolve, 500);
      });
    }
  }

  /**
   * Adds files to the queue.
   * @param {string} directory
   * @param {import("./dropped.js").Found[]} found
   */
  async add(directory, found) {
    for (const { path, file } of found) {
      const whole = directory ? `${directory}/${path}` : path;
      const added = item({ id: identifier(), path: whole, size: file.size, modified: file.lastModified });
      await kept.putFile(added.id, file);
      this.files.set(added.id, file);
      await this.put(added);
    }
    this.channel.postMessage({ type: "look" });
    this.wake?.();
  }

  /** Files that this page has had in its hands, for browsers that keep none. @type {Map<string, File>} */
  files = new Map();

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
   * @returns {Promise<boolean>} false if it is another one
   */
  async found(id, file) {
    const of = this.items.get(id);
    const name = of?.path.split("/").pop();
    if (!of || file.name !== name || file.size !== of.size || file.lastModified !== of.modified) return false;
    this.files.set(id, file);
    await kept.putFile(id, file);
    this.want(id, { type: "file" });
    return true;
  }

  /** @param {string} id @param {Event} event */
  async apply(id, event) {
    const of = this.items.get(id);
    if (!of) return;
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
    if (isOver(after)) this.meters.delete(after.id);
    this.changed();
    await (isOver(after) ? kept.drop(after.id) : kept.put(after)).catch(() => undefined);
  }

  /** Tells this page and the other tabs of the queue, a few times a second at the most. */
  changed() {
    this.telling ??= setTimeout(() => {
      this.telling = undefined;
      this.dispatchEvent(new Event("change"));
      if (this.isLeader) this.channel.postMessage({ type: "items", items: [...this.items.values()] });
    }, 200);
  }

  /** @param {any} data */
  async heard(data) {
    if (data.type === "want" && this.isLeader) this.apply(data.id, data.event);
    if (data.type === "look" && this.isLeader) {
      for (const found of await kept.all()) if (!this.items.has(found.id)) this.items.set(found.id, found);
      this.changed();
      this.wake?.();
    }
    if (data.type === "items" && !this.isLeader) {
      this.items = new Map(data.items.map((/** @type {Item} */ found) => [found.id, found]));
      this.dispatchEvent(new Event("change"));
    }
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
    if (error instanceof DOMException && (error.name === "NotReadableError" || error.name === "NotFoundError")) return this.apply(id, { type: "lost-file" });
    const problem = error instanceof Error ? error.message : String(error);
    const isMade = Boolean(this.items.get(id)?.upload);
    if (isMade && error instanceof Refused && (error.status === 404 || error.status === 410)) return this.apply(id, { type: "gone" });
    if (error instanceof Refused && !error.isPassing && !AGAIN.includes(error.reason)) return this.apply(id, { type: "refused", problem });
    return this.apply(id, { type: "interrupted", problem, now: Date.now(), random: Math.random() });
  }

  /** @param {string} id @param {File} file @param {AbortSignal} signal */
  async upload(id, file, signal) {
    if (!(await this.prepared(id))) return;
    this.hash(id, file);
    let of = /** @type {Item} */ (this.items.get(id));
    let { offset, stored } = await tus.state(of.upload);
    const meter = new Meter();
    this.meters.set(id, meter);
    meter.note(Date.now(), offset);
    await this.apply(id, { type: "acknowledged", offset });
    for (let piece = PIECE[0]; !stored && !signal.aborted; ) {
      if (offset < file.size || file.size === 0) {
        const begun = Date.now();
        offset = await tus.send(of.upload, file.slice(offset, offset + piece), offset, signal);
        meter.note(Date.now(), offset);
        piece = pieceAfter(piece, Date.now() - begun);
        await this.apply(id, { type: "acknowledged", offset });
      }
      if (offset < file.size) continue;
      ({ offset, stored } = await tus.state(of.upload));
      // The last bytes are there before the file is.
      if (!stored) await new Promise((resolve) => setTimeout(resolve, 500));
    }
    of = /** @type {Item} */ (this.items.get(id));
    if (stored) await this.apply(id, { type: "stored", sha256: stored });
  }

  /**
   * Looks at what is there already, makes the directories above, and makes the upload. Returns false if a person has to choose first.
   * @param {string} id
   */
  async prepared(id) {
    let of = /** @type {Item} */ (this.items.get(id));
    if (of.upload) return true;
    if (!of.decided) {
      const there = await look(of.path);
      if (there) {
        this.there.set(id, there);
        await this.apply(id, { type: "conflict" });
        if (this.forAll) await this.choose(id, this.forAll);
        else this.dispatchEvent(new Event("conflict"));
        return false;
      }
    }
    await this.above(of.path);
    const upload = await tus.make(of);
    await this.apply(id, { type: "made", upload });
    return this.items.get(id)?.upload === upload;
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

  /** Makes the directories that a path is in, each once. @param {string} path */
  above(path) {
    const directory = path.split("/").slice(0, -1).join("/");
    if (!directory) return Promise.resolve();
    const making = this.directories.get(directory) ?? send("POST", "/api/v1/files/directories", { path: directory, parents: true }).then(() => undefined);
    this.directories.set(directory, making);
    making.catch(() => this.directories.delete(directory));
    return making;
  }

  /** @param {string} id @param {File} file */
  hash(id, file) {
    if (this.items.get(id)?.sha256 || this.hashing.has(id)) return;
    this.hashing.set(id, file);
    if (this.hasher === undefined) {
      this.hasher = new Worker("/static/hashing.js", { type: "module" });
      this.hasher.onmessage = ({ data }) => this.hashed(data.id, data.sha256 ?? "");
      this.hasher.onerror = () => {
        // A browser without workers of modules computes in the page.
        this.hasher = null;
        for (const [waiting, of] of this.hashing) this.hashHere(waiting, of);
      };
    }
    if (this.hasher) this.hasher.postMessage({ id, file });
    else this.hashHere(id, file);
  }

  /** @param {string} id @param {File} file */
  hashHere(id, file) {
    ofFile(file).then((sha256) => this.hashed(id, sha256), () => this.hashed(id, ""));
  }

  /** @param {string} id @param {string} sha256 digest; empty if the file cannot be read any more */
  hashed(id, sha256) {
    this.hashing.delete(id);
    this.apply(id, sha256 ? { type: "hashed", sha256 } : { type: "lost-file" });
  }
}

/** @returns {string} 32 digits by chance; `randomUUID` is there in secure contexts alone */
function identifier() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
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
