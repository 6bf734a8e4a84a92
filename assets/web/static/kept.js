// @ts-check
// Uploads of this browser that outlive a page: in IndexedDB, with their files where the browser keeps these.

import { pin } from "./leading.js";

/** @typedef {import("./queue.js").Item} Item */

const NAME = "p2p-uploads";

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function open() {
  return (opened ??= pin().then(opening));
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
 * Returns the uploads of a user: others who sign in in this browser neither see nor send them. A browser that lets nothing be kept has none.
 * @param {string} user
 * @returns {Promise<Item[]>}
 */
export async function all(user) {
  const found = await within("items", "readonly", (store) => store.getAll()).catch(() => []);
  return found.filter((item) => item.user === user);
}

/** @param {Item} item */
export function put(item) {
  return within("items", "readwrite", (store) => store.put(item));
}

/**
 * Keeps the file of an upload. A browser that cannot, as for want of room, asks for it again on the next page.
 * @param {string} id
 * @param {File} file
 * @returns {Promise<boolean>} true if it is kept
 */
export function putFile(id, file) {
  return within("files", "readwrite", (store) => store.put(file, id)).then(() => true, () => false);
}

/**
 * @param {string} id
 * @returns {Promise<File | undefined>}
 */
export function file(id) {
  return within("files", "readonly", (store) => store.get(id));
}

/** @param {string} id */
export async function drop(id) {
  await within("items", "readwrite", (store) => store.delete(id));
  await within("files", "readwrite", (store) => store.delete(id));
}
