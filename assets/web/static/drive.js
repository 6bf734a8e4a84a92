// @ts-check
// What all pages of the drive have: times in the reader's own manner, copying, and pages that ask shown as dialogs.

import { instant } from "./format.js";

document.documentElement.classList.add("scripted");

for (const time of document.querySelectorAll("time")) local(time);

/** @param {HTMLTimeElement} time */
function local(time) {
  const at = Date.parse(time.dateTime.replace(" ", "T"));
  if (Number.isNaN(at)) return;
  time.title = time.textContent ?? "";
  time.textContent = instant(at);
}

/** What can be clicked. */
const CLICKED = "a, button, input, select, textarea, label, summary, [tabindex], [data-item]";
/** Places of what is said, as distances from the edges of the window: the first of them that covers nothing which can be clicked is taken. */
const PLACES = [
  { bottom: "1.5rem" },
  { top: "4rem" },
  { bottom: "40%" },
  { bottom: "1.5rem", left: "1rem" },
  { bottom: "1.5rem", right: "1rem" },
];
let silence = 0;

/**
 * Says something to those who see it and to those who hear it.
 * @param {string} text
 */
export function say(text) {
  const toast = document.querySelector("p.toast") ?? document.createElement("p");
  toast.setAttribute("role", "status");
  toast.textContent = text;
  place(/** @type {HTMLElement} */ (toast));
  clearTimeout(silence);
  silence = setTimeout(() => toast.remove(), 4000);
}

/** @param {HTMLElement} toast */
function place(toast) {
  const queue = document.querySelector(".queue:not(.here, [hidden]) > header");
  toast.className = queue ? "toast within" : "toast";
  toast.removeAttribute("style");
  if (queue) {
    queue.after(toast);
    return;
  }
  document.body.append(toast);
  for (const { top = "auto", bottom = "auto", left = "", right = "" } of PLACES) {
    const isAside = left !== "" || right !== "";
    Object.assign(toast.style, { top, bottom, left: isAside ? left || "auto" : "", right, transform: isAside ? "none" : "" });
    if (!covers(toast.getBoundingClientRect())) return;
  }
  toast.removeAttribute("style");
}

/**
 * Tells whether something that can be clicked is in a part of the window.
 * @param {DOMRect} part
 */
function covers({ left, right, top, bottom }) {
  return [...document.querySelectorAll(CLICKED)].some((element) => {
    const other = element.getBoundingClientRect();
    return other.width > 0 && other.left < right && other.right > left && other.top < bottom && other.bottom > top;
  });
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser does not let this page copy; mark the text and copy it by hand.");
  }
}

/** Makes what the server has written ready for the reader. @param {ParentNode} within */
export function prepare(within) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (within.querySelectorAll("[data-copy], [data-copy-link]"))) button.hidden = false;
  for (const link of /** @type {NodeListOf<HTMLInputElement>} */ (within.querySelectorAll("[data-link]"))) link.value = new URL(link.value, window.location.href).href;
  if (within !== document) for (const time of within.querySelectorAll("time")) local(time);
}
prepare(document);

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const copied = /** @type {HTMLElement | null} */ (target?.closest("[data-copy]"));
  if (copied) copy(copied.dataset.copy ?? "");
  const link = target?.closest("[data-copy-link]");
  if (link) copy(/** @type {HTMLInputElement} */ (link.parentElement?.querySelector("[data-link]")).value);
});

// Links and buttons that lead to a page which asks: the page comes as a dialog.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? /** @type {HTMLAnchorElement | null} */ (event.target.closest("a[data-ask]")) : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.href);
});
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement) || !button.hasAttribute("data-ask")) return;
  event.preventDefault();
  ask(form, button);
});

/**
 * Sends a form and shows the page that asks for more.
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} button
 */
export function ask(form, button) {
  return show(form.action, { method: "POST", body: fields(form, button) });
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} button
 */
function fields(form, button) {
  const fields = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  if (button instanceof HTMLButtonElement && button.name) fields.append(button.name, button.value);
  return fields;
}

/** @type {HTMLDialogElement | null} */
let dialog = null;

/**
 * Asks for a page, and shows what it asks as a dialog; any other page is gone to.
 * @param {string} url
 * @param {RequestInit} [init]
 */
async function show(url, init) {
  const response = await fetch(url, { credentials: "same-origin", headers: { Accept: "text/html" }, ...init });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const asked = page.querySelector("[data-dialog]");
  if (!asked) {
    if (response.redirected || response.ok) window.location.assign(response.url);
    else problem(page.querySelector("[role=alert]")?.textContent ?? response.statusText);
    return;
  }
  open(asked);
}

/** @param {string} text */
function problem(text) {
  const asked = document.createElement("section");
  const [alert, close] = [document.createElement("p"), document.createElement("button")];
  alert.setAttribute("role", "alert");
  alert.textContent = text;
  close.type = "button";
  close.textContent = "Close";
  close.setAttribute("data-close", "");
  asked.append(alert, close);
  open(asked);
}

/** @param {Element} asked */
function open(asked) {
  const before = dialog;
  dialog = document.createElement("dialog");
  const heading = asked.querySelector("h1");
  if (heading?.id) dialog.setAttribute("aria-labelledby", heading.id);
  asked.removeAttribute("aria-labelledby");
  asked.classList.remove("narrow");
  dialog.append(document.importNode(asked, true));
  dialog.addEventListener("close", () => closed());
  dialog.addEventListener("click", pressed);
  dialog.addEventListener("submit", submitted);
  before?.remove();
  document.body.append(dialog);
  prepare(dialog);
  dialog.showModal();
  const input = /** @type {HTMLInputElement | null} */ (dialog.querySelector("input[autofocus]"));
  if (input) {
    // Of a name, the part before its kind is what is typed anew.
    const dot = input.value.lastIndexOf(".");
    input.setSelectionRange(0, dot > 0 ? dot : input.value.length);
  }
}

let hasChanged = false;

function closed() {
  dialog?.remove();
  dialog = null;
  if (hasChanged) window.location.reload();
}

/** @param {MouseEvent} event */
function pressed(event) {
  if (!(event.target instanceof Element) || !event.target.closest("[data-close]")) return;
  event.preventDefault();
  dialog?.close();
}

/** @param {SubmitEvent} event */
async function submitted(event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const body = fields(form, event.submitter);
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  hasChanged = hasChanged || body.get("do") === "share";
  await show(form.action, { method: "POST", body });
}
