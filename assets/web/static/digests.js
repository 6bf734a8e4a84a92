// @ts-check
// SHA-256 of files, computed while they are sent: in a worker, or in the page where there is none.

import { ofFile } from "./sha256.js";

export class Digests {
  /** Worker that computes digests; `null` where there is none. @type {Worker | null | undefined} */
  #worker;
  /** Files of which the digest is computed, by the number of the question. @type {Map<number, {id: string, file: File}>} */
  #files = new Map();
  #asked = 0;
  #done;

  /** @param {(id: string, sha256: string) => void} done called with a digest; with an empty one if the file cannot be read any more */
  constructor(done) {
    this.#done = done;
  }

  /** Computes the digest of a file, unless that is being done. @param {string} id @param {File} file */
  of(id, file) {
    if ([...this.#files.values()].some((of) => of.id === id)) return;
    this.#asked += 1;
    this.#files.set(this.#asked, { id, file });
    if (this.#worker === undefined) this.#begin();
    if (this.#worker) this.#worker.postMessage({ id: this.#asked, file });
    else this.#here(this.#asked, file);
  }

  /** Tells no digest of a file any more. @param {string} id */
  drop(id) {
    for (const [number, of] of this.#files) if (of.id === id) this.#files.delete(number);
  }

  #begin() {
    const worker = (this.#worker = new Worker("/static/hashing.js", { type: "module" }));
    worker.onmessage = ({ data }) => this.#told(data.id, data.sha256 ?? "");
    worker.onerror = () => {
      // A browser without workers of modules computes in the page.
      this.#worker = null;
      for (const [number, { file }] of this.#files) this.#here(number, file);
    };
  }

  /** @param {number} number @param {File} file */
  #here(number, file) {
    ofFile(file).then((sha256) => this.#told(number, sha256), () => this.#told(number, ""));
  }

  /** @param {number} number @param {string} sha256 */
  #told(number, sha256) {
    const of = this.#files.get(number);
    if (!of) return;
    this.#files.delete(number);
    this.#done(of.id, sha256);
  }
}
