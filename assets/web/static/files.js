// @ts-check
// The list of a directory by keyboard and mouse: choosing several, opening, renaming, deleting, downloading one after the other. It is read
// anew when an upload of this browser has come into it.

import { ask, prepare } from "./drive.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form.items"));
const list = /** @type {HTMLElement} */ (document.querySelector("[data-list]"));
let rows = listed();
const said = document.querySelector("[data-chosen]");
const search = /** @type {HTMLInputElement | null} */ (document.querySelector("#search"));
const all = () => /** @type {HTMLInputElement | null} */ (list.querySelector("[data-all]"));

/** Row at which the keyboard is, and row at which a range began. */
let at = -1;
let from = -1;

/** @returns {HTMLElement[]} */
function listed() {
  return [...list.querySelectorAll("[data-item]")].map((row) => /** @type {HTMLElement} */ (row));
}

/** @param {HTMLElement} row @returns {HTMLInputElement} */
const box = (row) => /** @type {HTMLInputElement} */ (row.querySelector('input[name="path"]'));
const chosen = () => rows.filter((row) => box(row).checked);

function changed() {
  const count = chosen().length;
  for (const row of rows) row.classList.toggle("chosen", box(row).checked);
  document.querySelector(".for-chosen")?.classList.toggle("any", count > 0);
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll("[data-one]"))) button.disabled = count !== 1;
  const download = /** @type {HTMLButtonElement | null} */ (form.querySelector("[data-download]"));
  if (download) download.hidden = !chosen().some((row) => row.dataset.content);
  const every = all();
  if (every) {
    every.hidden = false;
    every.checked = count > 0 && count === rows.length;
    every.indeterminate = count > 0 && count < rows.length;
  }
  if (said) said.textContent = count === 0 ? "Nothing is chosen." : `${count} of ${rows.length} chosen.`;
}

/**
 * Moves to a row.
 * @param {number} to
 * @param {boolean} isRange true if all from the begin of the range on is chosen
 */
function go(to, isRange) {
  if (rows.length === 0) return;
  rows[at]?.classList.remove("at");
  at = Math.max(0, Math.min(rows.length - 1, to));
  rows[at].classList.add("at");
  const link = /** @type {HTMLElement | null} */ (rows[at].querySelector("a.open"));
  link?.focus();
  rows[at].scrollIntoView({ block: "nearest" });
  if (isRange) choose(from < 0 ? at : from, at);
  else from = at;
}

/** @param {number} first @param {number} last */
function choose(first, last) {
  rows.forEach((row, index) => (box(row).checked = index >= Math.min(first, last) && index <= Math.max(first, last)));
  changed();
}

/** Rows of tiles that stand side by side. */
function columns() {
  const top = rows[0]?.offsetTop;
  const count = rows.findIndex((row) => row.offsetTop !== top);
  return list.querySelector(".tiles") ? (count < 0 ? rows.length : count) : 1;
}

/** @param {string} name */
function press(name) {
  const button = /** @type {HTMLButtonElement | null} */ (form.querySelector(`button[value="${name}"]`));
  if (button && !button.disabled) ask(form, button);
}

/** Chooses the row of the keyboard if none is chosen. */
function orThis() {
  if (chosen().length === 0 && at >= 0) box(rows[at]).checked = true;
  changed();
  return chosen().length > 0;
}

document.addEventListener("keydown", (event) => {
  const target = event.target instanceof Element ? event.target : document.body;
  if (document.querySelector("dialog[open]") || event.altKey) return;
  const isTyping = target.matches("input:not([type=checkbox]), textarea, select");
  if (isTyping) {
    if (event.key === "Escape" && target === search) search?.blur();
    return;
  }
  if (handled(event, target)) event.preventDefault();
});

/**
 * @param {KeyboardEvent} event
 * @param {Element} target
 * @returns {boolean}
 */
function handled(event, target) {
  const isInList = target === document.body || target.id === "main" || list.contains(target);
  const isControl = event.ctrlKey || event.metaKey;
  if (event.key === "/" && !isControl) {
    search?.focus();
    return true;
  }
  if (!isInList || rows.length === 0) return false;
  const step = columns();
  switch (event.key) {
    case "ArrowDown":
      go(at < 0 ? 0 : at + step, event.shiftKey);
      return true;
    case "ArrowUp":
      go(at - step, event.shiftKey);
      return true;
    case "ArrowRight":
    case "ArrowLeft":
      if (step === 1) return false;
      go(at + (event.key === "ArrowRight" ? 1 : -1), event.shiftKey);
      return true;
    case "Home":
      go(0, event.shiftKey);
      return true;
    case "End":
      go(rows.length - 1, event.shiftKey);
      return true;
    case " ":
      // A box that has the focus turns itself.
      if (target instanceof HTMLInputElement || at < 0) return false;
      box(rows[at]).checked = !box(rows[at]).checked;
      changed();
      return true;
    case "Escape":
      rows.forEach((row) => (box(row).checked = false));
      changed();
      return true;
    case "a":
      if (!isControl) return false;
      choose(0, rows.length - 1);
      return true;
    case "Delete":
      if (orThis()) press("delete");
      return true;
    case "F2":
      if (orThis()) press("rename");
      return true;
    case "Enter":
      if (target.matches("a, button, input") || at < 0) return false;
      window.location.assign(rows[at].dataset.href ?? "");
      return true;
    default:
      return false;
  }
}

list.addEventListener("focusin", (event) => {
  const row = event.target instanceof Element ? event.target.closest("[data-item]") : null;
  if (!(row instanceof HTMLElement)) return;
  rows[at]?.classList.remove("at");
  at = rows.indexOf(row);
  row.classList.add("at");
});

list.addEventListener("click", (event) => {
  const { target, shiftKey, ctrlKey, metaKey } = /** @type {MouseEvent} */ (event);
  if (!(target instanceof Element)) return;
  const row = /** @type {HTMLElement | null} */ (target.closest("[data-item]"));
  const index = row ? rows.indexOf(row) : -1;
  if (!row || target.closest("a, button")) return;
  const isBox = target instanceof HTMLInputElement;
  if (shiftKey && from >= 0) choose(from, index);
  else if (!isBox && !ctrlKey && !metaKey) choose(index, index);
  else if (!isBox) box(row).checked = !box(row).checked;
  if (!shiftKey) from = index;
  at = index;
  changed();
});
list.addEventListener("dblclick", (event) => {
  const row = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest("[data-item]")) : null;
  if (row && !(event.target instanceof HTMLInputElement)) window.location.assign(row.dataset.href ?? "");
});

list.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target !== all()) return;
  rows.forEach((row) => (box(row).checked = target.checked));
  changed();
});

let isReading = false;
let isStale = false;
document.addEventListener("p2p-stored", async () => {
  isStale = true;
  if (isReading) return;
  isReading = true;
  while (isStale) {
    isStale = false;
    await read().catch(() => undefined);
  }
  isReading = false;
});

/** Reads the list anew. What is chosen, and where the keyboard is, stays. */
async function read() {
  const response = await fetch(window.location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = page.querySelector("[data-list]");
  if (!response.ok || !next) return;
  const paths = new Set(chosen().map((row) => row.dataset.item));
  const [place, begin] = [rows[at]?.dataset.item, rows[from]?.dataset.item];
  const hadFocus = list.contains(document.activeElement) && place !== undefined;
  list.replaceChildren(...[...next.childNodes].map((node) => document.importNode(node, true)));
  for (const name of [".foot", "nav.pages"]) {
    const [shown, wanted] = [document.querySelector(name), page.querySelector(name)];
    if (shown && wanted) shown.replaceWith(document.importNode(wanted, true));
  }
  prepare(list);
  rows = listed();
  for (const row of rows) box(row).checked = paths.has(row.dataset.item);
  [at, from] = [place, begin].map((path) => (path === undefined ? -1 : rows.findIndex((row) => row.dataset.item === path)));
  rows[at]?.classList.add("at");
  if (hadFocus) /** @type {HTMLElement | null} */ (rows[at]?.querySelector("a.open"))?.focus({ preventScroll: true });
  changed();
}

// Several files come one after the other: browsers ask their person once whether a page may.
form?.querySelector("[data-download]")?.addEventListener("click", async () => {
  for (const row of chosen()) {
    if (!row.dataset.content) continue;
    const link = document.createElement("a");
    link.href = `${row.dataset.content}?download`;
    link.download = "";
    document.body.append(link);
    link.click();
    link.remove();
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
});

changed();
