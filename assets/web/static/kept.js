// @ts-check
// Uploads of this browser that outlive a page: in IndexedDB, with their files where the browser keeps these.

/** @typedef {import("./queue.js").Item} Item */

const NAME = "p2p-uploads";

/** @type {Promise<IDBDatabase> | undefined} */
let opened;

/** @returns {Promise<IDBDatabase>} */
function open() {
  return (opened ??= new Promise((resolve, reject) => {
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
  }));
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

/** @returns {Promise<Item[]>} */
export function all() {
  return within("items", "readonly", (store) => store.getAll());
}

/** @param {Item} item */
export function put(item) {
  return within("items", "readwrite", (store) => store.put(item));
}

/**
 * Keeps the file of an upload. A browser that cannot asks for it again after a reload.
 * @param {string} id
 * @param {File} file
 */
export function putFile(id, file) {
  return within("files", "readwrite", (store) => store.put(file, id)).catch(() => undefined);
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
