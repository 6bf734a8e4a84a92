// @ts-check
// Requests to the server this page is from.

/** Problem of a request, by what the server says of it. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {string} reason
   */
  constructor(status, detail, reason) {
    super(detail);
    this.status = status;
    this.reason = reason;
  }

  /** True if the same request may work later. */
  get isPassing() {
    return this.status >= 500 && this.status !== 507 || this.status === 408 || this.status === 429 || this.status === 423;
  }
}

/** @returns {string} the token by which a request proves that it comes from a page of this server */
export function token() {
  return document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
}

/** @returns {string} the user who is signed in */
export function user() {
  return document.querySelector('meta[name="user"]')?.getAttribute("content") ?? "";
}

/**
 * Asks the server, and fails with what it says if it refuses.
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(url, init = {}) {
  const headers = new Headers(init.headers);
  if (init.method && init.method !== "GET" && init.method !== "HEAD") headers.set("X-CSRF-Token", token());
  const response = await fetch(url, { credentials: "same-origin", cache: "no-store", ...init, headers });
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * @param {Response} response
 * @returns {Promise<Refused>}
 */
async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  return new Refused(response.status, problem.detail ?? `The server answers ${response.status} ${response.statusText}.`, problem.reason ?? "");
}

/**
 * Sends JSON.
 * @param {string} method
 * @param {string} url
 * @param {unknown} body
 */
export function send(method, url, body) {
  return ask(url, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

/**
 * Writes a path as a part of an address.
 * @param {string} path
 */
export function encoded(path) {
  return path.split("/").map(encodeURIComponent).join("/");
}
