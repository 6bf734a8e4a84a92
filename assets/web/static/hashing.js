// @ts-check
// Worker that computes the SHA-256 of a file while it is uploaded, so that the page stays quick.

import { ofFile } from "./sha256.js";

self.addEventListener("message", async (/** @type {MessageEvent<{id: number, file: File}>} */ { data: { id, file } }) => {
  try {
    self.postMessage({ id, sha256: await ofFile(file) });
  } catch (error) {
    self.postMessage({ id, problem: String(error) });
  }
});
