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
 * Asks the server, and fails with what it says if it refuses. Once another page of this browser has signed the user in again, this page takes
 * the token of that session.
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(url, init = {}) {
  const shown = token();
  const response = await asked(url, init);
  if (response.ok) return response;
  const refused = await refusal(response);
  if (refused.reason !== "CROSS_SITE" || (token() === shown && !(await renewed()))) throw refused;
  const again = await asked(url, init);
  if (!again.ok) throw await refusal(again);
  return again;
}

/** @param {string} url @param {RequestInit} init */
function asked(url, init) {
  const headers = new Headers(init.headers);
  if (init.method && init.method !== "GET" && init.method !== "HEAD") headers.set("X-CSRF-Token", token());
  return fetch(url, { credentials: "same-origin", cache: "no-store", ...init, headers });
}

/**
 * Takes the token of the session that this browser has now, also for the forms of the page. Returns false if it is the one that was there.
 * Fails if the session is another user's: nothing of this page is done in their name.
 */
async function renewed() {
  const { name, csrf_token: now } = await (await ask("/api/v1/auth/whoami")).json();
  if (name !== user()) throw new Refused(401, `${name} has signed in in this browser since; sign in as ${user()} to go on.`, "LOGIN_NEEDED");
  if (!now || now === token()) return false;
  document.querySelector('meta[name="csrf-token"]')?.setAttribute("content", now);
  for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.setAttribute("value", now);
  // A form with files has it in its address, to be refused before they come.
  for (const form of document.querySelectorAll('form[action*="csrf_token="]')) {
    const address = form.getAttribute("action")?.replace(/csrf_token=[^&]*/, `csrf_token=${encodeURIComponent(now)}`);
    form.setAttribute("action", address ?? "");
  }
  return true;
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
