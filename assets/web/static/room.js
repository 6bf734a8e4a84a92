// @ts-check
/**
 * Keeps the control room live: puts in what has changed, says how old it is, and sends the forms without leaving the page.
 *
 * @module
 */

import { Live } from "./live.js";
import { morph } from "./morph.js";

/** Ages in milliseconds from which on what is shown is late, and the connection counts as lost. */
const AGES = { late: 3_000, lost: 10_000 };

/**
 * Returns how an age is told, and what it means.
 * @param {number} age in milliseconds
 * @param {boolean} hasEnded whether the session is over
 * @returns {{text: string, state: "live" | "late" | "lost"}}
 */
export function toldAge(age, hasEnded) {
  const seconds = Math.floor(Math.max(0, age) / 1_000);
  if (hasEnded) return { text: `the session is over; last update ${seconds} s ago`, state: "lost" };
  if (age < AGES.late) return { text: "live", state: "live" };
  const state = age < AGES.lost ? "late" : "lost";
  return { text: `${state === "lost" ? "connection lost; " : ""}last update ${seconds} s ago`, state };
}

/** What is said aloud when the state changes. */
const SAID = { live: "The page is live again.", late: "No update for some seconds.", lost: "The connection is lost; what is shown is old." };

const room = globalThis.document?.querySelector("[data-room]");
if (room) begin(room);

/** @param {Element} room */
function begin(room) {
  const live = new Live();
  const page = location.pathname + location.search;
  let at = Date.now();
  let hasEnded = false;
  let state = "live";

  /** Puts a page in that has come at an instant. @param {string} text @param {number} [came] */
  function show(text, came = Date.now()) {
    const next = parsed(text).querySelector("[data-room]");
    if (!next) return;
    // What an act has come to is told until the next one.
    const told = room.querySelector("#told");
    const nextTold = next.querySelector("#told");
    const question = nextTold?.querySelector("[data-question]");
    question?.remove();
    if (told && nextTold && !nextTold.childElementCount) nextTold.replaceWith(told.cloneNode(true));
    morph(room, next);
    for (const button of room.querySelectorAll("#told [data-dismiss]")) button.removeAttribute("hidden");
    at = came;
    tick();
    if (question) ask(/** @type {HTMLFormElement} */ (question), send);
  }

  /** @param {SubmitEvent} submitted */
  function send(submitted) {
    void sent(submitted, page, show, live);
  }

  function tick() {
    const shown = document.getElementById("connection");
    const told = toldAge(Date.now() - at, hasEnded);
    if (shown) {
      shown.hidden = false;
      shown.className = `connection small ${told.state}`;
      const age = shown.querySelector("[data-age]");
      if (age && age.textContent !== told.text) age.textContent = told.text;
    }
    if (told.state !== state) {
      state = told.state;
      const said = document.getElementById("said");
      if (said) said.textContent = SAID[told.state];
    }
  }

  live.listen((message) => {
    if (message.type === "page" && message.url === page) show(message.text, message.at);
    if (message.type === "ended") hasEnded = true;
    if (message.type === "ended" || message.type === "failed") tick();
  });
  room.addEventListener("submit", (submitted) => send(/** @type {SubmitEvent} */ (submitted)));
  room.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-dismiss]")) room.querySelector("#told")?.replaceChildren();
  });
  setInterval(tick, 1_000);
  live.start(page);
}

/**
 * Asks in a dialog what the page would ask.
 * @param {HTMLFormElement} question
 * @param {(submitted: SubmitEvent) => void} send
 */
function ask(question, send) {
  const dialog = document.createElement("dialog");
  dialog.id = "asked";
  const form = /** @type {HTMLFormElement} */ (document.importNode(question, true));
  form.className = "";
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(form);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-leave]")) return;
    event.preventDefault();
    dialog.close();
  });
  form.addEventListener("submit", (submitted) => {
    send(submitted);
    dialog.close();
  });
  document.querySelector("#asked")?.remove();
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * Sends a form of the room, and shows the room as it is then. A form of another method, and one that cannot be sent, goes its own way.
 * @param {SubmitEvent} submitted
 * @param {string} page
 * @param {(text: string) => void} show
 * @param {Live} live
 */
async function sent(submitted, page, show, live) {
  const form = /** @type {HTMLFormElement} */ (submitted.target);
  if (form.method !== "post") return;
  submitted.preventDefault();
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitted.submitter)) fields.append(name, String(value));
  const button = /** @type {HTMLButtonElement | null} */ (submitted.submitter);
  if (button) button.disabled = true;
  try {
    const answer = await fetch(page, { method: "POST", body: fields, headers: { accept: "text/html" } });
    const text = await answer.text();
    // The focus comes back to the button once a question is answered.
    if (button) button.disabled = false;
    show(text);
    live.renew();
  } catch {
    refused(fields.get("command") ?? "");
  } finally {
    if (button) button.disabled = false;
  }
}

/** Says that an act has not reached the server. @param {string} command */
function refused(command) {
  const told = document.getElementById("told");
  if (!told) return;
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.textContent = `Not known whether it is done: the server has not answered to “${command}”.`;
  told.replaceChildren(notice);
}

/** @type {{createHTML(text: string): string} | null} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("p2p-room", { createHTML: (/** @type {string} */ text) => text }) ?? null;

/**
 * Parses a page of this server. Scripts in it do not run.
 * @param {string} text
 */
function parsed(text) {
  return new DOMParser().parseFromString(/** @type {any} */ (policy ? policy.createHTML(text) : text), "text/html");
}
