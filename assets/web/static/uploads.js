// @ts-check
// Uploads of this browser, on every page of a user who is signed in: the queue goes on whichever page is open, and is shown at the corner, in
// its own place, or as a bar at the foot. On a list of a directory files come by drop or by an input.

import { say } from "./drive.js";
import { chosen, dropped } from "./dropped.js";
import { instant, size } from "./format.js";
import { Panel } from "./panel.js";
import { Uploads } from "./sending.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#upload"));
const directory = form?.dataset.directory ?? null;
const place = document.querySelector("[data-queue]");
export const uploads = new Uploads();
const panel = new Panel(uploads, place, directory);
uploads.addEventListener("change", () => {
  listed();
  // A person who is at something else is not interrupted; the bar says that an upload waits for them.
  if (form || place) conflicts();
});
window.addEventListener("beforeunload", (event) => {
  if (uploads.unkept.size > 0) event.preventDefault();
});
window.addEventListener("pageshow", (event) => {
  // A page that comes back has stopped in the middle of its work.
  if (event.persisted) window.location.reload();
});
uploads.start().catch((error) => say(`Uploads cannot go on: ${error instanceof Error ? error.message : error}`));

/** @param {import("./dropped.js").Found[]} found */
function add(found) {
  if (found.length === 0) return;
  uploads.add({ directory: directory ?? "", isGuest: form?.hasAttribute("data-guest") ?? false }, found);
  panel.draw();
  say(found.length === 1 ? `${found[0].path} is added to the queue.` : `${found.length} files are added to the queue.`);
  panel.open();
}

/** Uploads into this directory that were done when its list was last told of them. */
let doneHere = 0;

/** Tells the list of the directory that there is more in it. */
function listed() {
  const isHere = (/** @type {import("./queue.js").Item} */ { base, state }) => base === directory && state === "done";
  const done = [...uploads.items.values()].filter(isHere).length;
  if (done > doneHere) document.dispatchEvent(new Event("p2p-stored"));
  doneHere = done;
}

/** @param {boolean} isDirectory */
function pick(isDirectory) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = isDirectory;
  input.addEventListener("change", () => add(chosen(input)));
  input.click();
}

if (form) {
  const button = /** @type {HTMLAnchorElement} */ (document.querySelector("[data-upload]"));
  button.setAttribute("role", "button");
  button.addEventListener("click", (event) => {
    event.preventDefault();
    pick(false);
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    pick(false);
  });
  const directory = document.createElement("button");
  directory.type = "button";
  directory.textContent = "Upload a directory";
  directory.addEventListener("click", () => pick(true));
  button.after(directory);
  receive();
}

/** Takes files that are dropped anywhere on the page. */
function receive() {
  let depth = 0;
  const has = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  const mark = () => document.body.classList.toggle("dropping", depth > 0);
  document.addEventListener("dragenter", (event) => {
    if (!has(event)) return;
    event.preventDefault();
    depth += 1;
    mark();
  });
  document.addEventListener("dragover", (event) => has(event) && event.preventDefault());
  document.addEventListener("dragleave", (event) => {
    if (!has(event)) return;
    depth = Math.max(0, depth - 1);
    mark();
  });
  document.addEventListener("drop", async (event) => {
    if (!event.dataTransfer || !has(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    try {
      add(await dropped(event.dataTransfer));
    } catch (error) {
      say(`What was dropped cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  });
}

/** Uploads that a person has decided on, until the queue has taken it in. @type {Set<string>} */
const decided = new Set();
/** Uploads whose question was closed without an answer. @type {Set<string>} */
const unanswered = new Set();

/** Asks what is to become of the first upload whose name is taken. */
function conflicts() {
  const isAsked = (/** @type {import("./queue.js").Item} */ { id, state }) => state === "asking" && !decided.has(id) && !unanswered.has(id);
  const asking = [...uploads.items.values()].find(isAsked);
  if (!asking || document.querySelector("dialog[open]")) return;
  const { there } = asking;
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "conflict");
  const heading = text("h2", `${asking.path} is there already`);
  heading.id = "conflict";
  const table = document.createElement("table");
  table.className = "table compare";
  table.append(row("th", "Which", "Size", "Modified"));
  if (there) table.append(row("td", "At the server", size(there.size), instant(there.modified)));
  table.append(row("td", "To be uploaded", size(asking.size), instant(asking.modified)));
  const label = document.createElement("label");
  label.className = "check";
  const forAll = document.createElement("input");
  forAll.type = "checkbox";
  label.append(forAll, " For all further ones too");
  const buttons = document.createElement("div");
  buttons.className = "row end";
  const choices = /** @type {const} */ ([["skip", "Skip"], ["both", "Keep both"], ["replace", "Replace"]]);
  for (const [choice, words] of choices) {
    // Of another user nothing is replaced.
    if (asking.guest && choice === "replace") continue;
    const button = text("button", words);
    button.addEventListener("click", () => decide(choice));
    buttons.append(button);
  }
  dialog.append(heading, table, label, buttons);
  dialog.addEventListener("close", () => {
    dialog.remove();
    // Who closes it without a choice is asked again by the list.
    if (!dialog.returnValue) unanswered.add(asking.id);
    else setTimeout(conflicts, 0);
  });
  document.body.append(dialog);
  dialog.showModal();

  /** @param {"skip" | "both" | "replace"} choice */
  function decide(choice) {
    dialog.close(choice);
    if (forAll.checked) uploads.chooseAll(choice);
    for (const { id, state } of uploads.items.values()) {
      if (state !== "asking" || (!forAll.checked && id !== asking?.id)) continue;
      decided.add(id);
      uploads.choose(id, choice).catch((error) => say(String(error))).finally(() => setTimeout(() => decided.delete(id), 1000));
    }
  }
}
panel.onconflict = () => {
  unanswered.clear();
  conflicts();
};

/**
 * @param {string} name
 * @param {string} words
 */
function text(name, words) {
  const element = document.createElement(name);
  element.textContent = words;
  return element;
}

/**
 * @param {"td" | "th"} kind
 * @param {string[]} cells
 */
function row(kind, ...cells) {
  const line = document.createElement("tr");
  cells.forEach((words, index) => {
    const cell = text(index === 0 && words ? "th" : kind, words);
    if (cell.tagName === "TH") cell.setAttribute("scope", kind === "th" ? "col" : "row");
    line.append(cell);
  });
  return line;
}
