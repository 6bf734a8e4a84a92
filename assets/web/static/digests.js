// @ts-check
// SHA-256 of files, computed while they are sent: in a worker, or in the page where there is none.

import { ofFile } from "./sha256.js";

export class Digests {
  /** Worker that computes digests; `null` where there is none. @type {Worker | null | undefined} */
  #worker;
  /** Files of which the digest is computed. @type {Map<string, File>} */
  #files = new Map();
  #done;

  /** @param {(id: string, sha256: string) => void} done called with a digest; with an empty one if the file cannot be read any more */
  constructor(done) {
    this.#done = done;
  }

  /** Computes the digest of a file, unless that is done already. @param {string} id @param {File} file */
  of(id, file) {
    if (this.#files.has(id)) return;
    this.#files.set(id, file);
    if (this.#worker === undefined) this.#begin();
    if (this.#worker) this.#worker.postMessage({ id, file });
    else this.#here(id, file);
  }

  #begin() {
    const worker = (this.#worker = new Worker("/static/hashing.js", { type: "module" }));
    worker.onmessage = ({ data }) => this.#told(data.id, data.sha256 ?? "");
    worker.onerror = () => {
      // A browser without workers of modules computes in the page.
      this.#worker = null;
      for (const [id, file] of this.#files) this.#here(id, file);
    };
  }

  /** @param {string} id @param {File} file */
  #here(id, file) {
    ofFile(file).then((sha256) => this.#told(id, sha256), () => this.#told(id, ""));
  }

  /** @param {string} id @param {string} sha256 */
  #told(id, sha256) {
    this.#files.delete(id);
    this.#done(id, sha256);
  }
}
