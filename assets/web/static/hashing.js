// @ts-check
// Worker that computes the SHA-256 of a file while it is uploaded, so that the page stays quick.

import { Sha256 } from "./sha256.js";

/** Bytes that are read at once. */
const PIECE = 4 << 20;
/** Size up to which the browser's own implementation takes a file, which holds all of it in memory. */
const WHOLE = 64 << 20;

self.addEventListener("message", async (/** @type {MessageEvent<{id: string, file: File}>} */ { data: { id, file } }) => {
  try {
    if (file.size <= WHOLE && crypto.subtle) {
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      self.postMessage({ id, sha256: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") });
      return;
    }
    const digest = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      digest.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    }
    self.postMessage({ id, sha256: digest.hex() });
  } catch (error) {
    self.postMessage({ id, problem: String(error) });
  }
});
