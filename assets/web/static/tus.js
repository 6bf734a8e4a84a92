// @ts-check
// Resumable uploads by tus 1.0: made, asked for their offset, and sent piece by piece.

import { Refused, ask } from "./request.js";

const VERSION = { "Tus-Resumable": "1.0.0" };

/**
 * @param {string} text
 * @returns {string} its UTF-8 in Base64
 */
export function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/**
 * Makes an upload, and returns its address.
 * @param {import("./queue.js").Item} item
 * @returns {Promise<string>}
 */
export async function make({ id, path, size, modified, replace }) {
  const metadata = [marked(id), `path ${base64(path)}`, `modified ${base64(String(Math.floor(modified / 1000)))}`, `replace ${base64(String(replace))}`];
  const headers = { ...VERSION, "Upload-Length": String(size), "Upload-Metadata": metadata.join(",") };
  const response = await ask("/api/v1/uploads", { method: "POST", headers });
  const location = response.headers.get("Location");
  if (!location) throw new Refused(502, "The server has made an upload and not said where.", "");
  return new URL(location, window.location.href).pathname;
}

/** @param {string} id */
function marked(id) {
  return `item ${base64(id)}`;
}

/**
 * Returns the address of the upload that was made for an item, where the page has not heard of it before it was left.
 * @param {import("./queue.js").Item} item
 * @returns {Promise<string>} empty if there is none
 */
export async function lost({ id, path }) {
  /** @type {{uploads: {path: string, state: string, location: string}[]}} */
  const { uploads } = await (await ask("/api/v1/uploads")).json();
  for (const { location } of uploads.filter((of) => of.path === path && of.state === "open")) {
    const { headers } = await ask(location, { headers: VERSION });
    if (headers.get("Upload-Metadata")?.split(",").includes(marked(id))) return location;
  }
  return "";
}

/**
 * What the server has of an upload.
 * @param {string} upload
 * @returns {Promise<{offset: number, stored: string}>}
 */
export async function state(upload) {
  const found = await (await ask(upload, { headers: VERSION })).json();
  return { offset: found.offset, stored: found.state === "stored" ? found.sha256 : "" };
}

/**
 * Takes an upload over from whatever page or program has sent of it last, and returns the offset at which it goes on. What was on its way
 * is either counted or will never be, so that the offset holds.
 * @param {string} upload
 * @returns {Promise<number>}
 */
export async function taken(upload) {
  return Number((await ask(upload, { method: "HEAD", headers: VERSION })).headers.get("Upload-Offset"));
}

/**
 * Sends a piece, and returns the offset after it.
 * @param {string} upload
 * @param {Blob} piece
 * @param {number} offset
 * @param {AbortSignal} signal
 * @returns {Promise<number>}
 */
export async function send(upload, piece, offset, signal) {
  const headers = { ...VERSION, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
  const response = await ask(upload, { method: "PATCH", headers, body: piece, signal });
  return Number(response.headers.get("Upload-Offset"));
}

/**
 * Gives an upload up; one that is not there any more is given up already.
 * @param {string} upload
 */
export async function forget(upload) {
  try {
    await ask(upload, { method: "DELETE", headers: VERSION });
  } catch (error) {
    if (!(error instanceof Refused) || (error.status !== 404 && error.status !== 410)) throw error;
  }
}
