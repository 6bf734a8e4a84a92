// @ts-check
// Uploads of this browser that outlive a page: in IndexedDB, with their files where the browser keeps these.

import { pin } from "./leading.js";

/** @typedef {import("./queue.js").Item} Item */

const NAME = "p2p-uploads";
/** Time in milliseconds after which storage that does not answer is done without, until it does. Files wait for the copies of others. */
export const PATIENCE = 10_000;
const PATIENCE_FOR_FILES = 60_000;

/** Storage has not answered for a while. */
export class Silent extends Error {
  constructor() {
    super("The browser's storage, in which uploads are kept, does not answer.");
  }
}

/** Stores that have not answered. @type {Set<string>} */
const silent = new Set();

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/**
 * Works within a store, and waits no longer than an answer may take.
 * @template T
 * @param {string} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @param {number} patience
 * @returns {Promise<T>}
 */
function timely(store, mode, work, patience) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Silent());
    if (silent.has(store)) return late();
    const timer = setTimeout(() => {
      silent.add(store);
      late();
    }, patience);
    within(store, mode, work).then(resolve, reject).finally(() => {
      clearTimeout(timer);
      silent.delete(store);
    });
  });
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return (opened ??= pin().then(opening));
}

/**
 * Returns whether earlier pages have left anything. Only a page with something to keep makes the database: one that is left while it does holds
 * all others up.
 */
async function isThere() {
  // Browsers that do not list them open an empty one.
  const databases = (await indexedDB.databases?.()) ?? [{ name: NAME }];
  return databases.some(({ name }) => name === NAME);
}

/** @returns {Promise<IDBDatabase>} */
function opening() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("items", { keyPath: "id" });
      request.result.createObjectStore("files");
    };
    request.onsuccess = () => {
      // A browser that needs the room closes it, and the next use opens it again.
      request.result.onclose = () => (opened = undefined);
      request.result.onversionchange = () => {
        request.result.close();
        opened = undefined;
      };
      resolve(request.result);
    };
    request.onerror = () => {
      opened = undefined;
      reject(request.error);
    };
  });
}

/**
 * @template T
 * @param {string} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function within(store, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(store, mode);
    const request = work(transaction.objectStore(store));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request.error);
  });
}

/**
 * Returns the uploads of a user, whenever the storage answers: others who sign in in this browser neither see nor send them. A browser that lets
 * nothing be kept has none.
 * @param {string} user
 * @returns {Promise<Item[]>}
 */
export async function all(user) {
  const read = async () => ((await isThere()) ? within("items", "readonly", (store) => store.getAll()) : []);
  const found = await read().catch(() => []);
  return found.filter((item) => item.user === user);
}

/**
 * Keeps an upload, unless the storage refuses or does not answer for a while.
 * @param {Item} item
 * @returns {Promise<boolean>} true if it is kept
 */
export function put(item) {
  return timely("items", "readwrite", (store) => store.put(item), PATIENCE).then(() => true, () => false);
}

/**
 * Keeps the file of an upload, however long its copy takes. A browser that cannot, as for want of room, asks for it again on the next page.
 * @param {string} id
 * @param {File} file
 * @returns {Promise<boolean>} true if it is kept
 */
export function putFile(id, file) {
  return within("files", "readwrite", (store) => store.put(file, id)).then(() => true, () => false);
}

/**
 * Returns the file of an upload, if it is kept. Fails once the storage has not answered for a while.
 * @param {string} id
 * @returns {Promise<File | undefined>}
 */
export function file(id) {
  return timely("files", "readonly", (store) => store.get(id), PATIENCE_FOR_FILES);
}

/** Forgets an upload and its file, where the storage lets it. @param {string} id */
export async function drop(id) {
  try {
    await within("items", "readwrite", (store) => store.delete(id));
    await within("files", "readwrite", (store) => store.delete(id));
  } catch {
    // What cannot be written was not kept either, or is forgotten by a later page.
  }
}

/**
 * Forgets files of which no upload is kept, as where a page was left between the two, and returns the names of the others.
 * @param {{has: (id: string) => boolean}} held uploads that this page has in its hands
 * @returns {Promise<Set<string>>}
 */
export async function swept(held) {
  if (!(await isThere())) return new Set();
  const names = (/** @type {string} */ name) => within(name, "readonly", (store) => store.getAllKeys());
  // An upload is kept before its file.
  const files = new Set((await names("files")).map(String));
  const items = new Set((await names("items")).map(String));
  for (const id of files) {
    if (items.has(id) || held.has(id)) continue;
    files.delete(id);
    await within("files", "readwrite", (store) => store.delete(id));
  }
  return files;
}
