// @ts-check
// What still runs at the server, whoever has begun it: transfers, and uploads that are kept. What the queue of this browser has is told there
// alone: its figures are of another clock, and of another moment.

import { percent, size, span } from "./format.js";
import { isOver } from "./queue.js";
import { ask } from "./request.js";
import { uploads as own } from "./uploads.js";

/** Time between two looks, in milliseconds. */
const EVERY = 3000;

const transfers = document.querySelector("[data-transfers]");
const kept = document.querySelector("[data-kept]");

/**
 * @param {Element | null} place
 * @param {string} url
 * @param {(found: any) => HTMLElement[]} rows
 * @param {string[]} headings
 * @param {string} none
 */
async function fill(place, url, rows, headings, none) {
  if (!place) return;
  try {
    const found = rows(await (await ask(url)).json());
    place.replaceChildren(found.length === 0 ? words("p", none, "muted") : table(headings, found));
  } catch (error) {
    place.replaceChildren(words("p", `The server cannot be asked: ${error instanceof Error ? error.message : error}`, "notice bad"));
  }
}

/**
 * @param {string} name
 * @param {string} text
 * @param {string} [kind]
 */
function words(name, text, kind = "") {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = kind;
  return element;
}

/**
 * @param {string[]} headings
 * @param {HTMLElement[]} rows
 */
function table(headings, rows) {
  const [scroll, made, head, body, line] = ["div", "table", "thead", "tbody", "tr"].map((name) => document.createElement(name));
  scroll.className = "scroll";
  made.className = "table";
  for (const heading of headings) {
    const cell = words("th", heading);
    cell.setAttribute("scope", "col");
    line.append(cell);
  }
  head.append(line);
  body.append(...rows);
  made.append(head, body);
  scroll.append(made);
  return scroll;
}

/**
 * @param {(string | HTMLElement)[]} cells
 * @returns {HTMLElement}
 */
function row(cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const made = document.createElement("td");
    made.append(cell);
    line.append(made);
  }
  return line;
}

/**
 * @param {string} label
 * @param {string} about
 * @param {string} url
 */
function ending(label, about, url) {
  const button = words("button", label, "quiet");
  button.setAttribute("aria-label", `${label} ${about}`);
  button.addEventListener("click", async () => {
    await ask(url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => undefined);
    look();
  });
  return button;
}

/** @param {string} path */
function isInQueue(path) {
  return [...own.items.values()].some((item) => !isOver(item) && item.path.normalize("NFC") === path);
}

/** @param {any} found */
function running({ transfers = [] }) {
  const isRunning = (/** @type {any} */ one) => !one.is_over && !(one.direction === "upload" && isInQueue(one.path));
  return transfers.filter(isRunning).map((/** @type {any} */ one) => {
    const part = one.bytes_acknowledged ?? one.bytes_done ?? 0;
    const rate = one.rate_bytes_per_second ? `${size(Math.round(one.rate_bytes_per_second))}/s of virtual time` : "no rate yet";
    const eta = typeof one.eta_seconds === "number" ? `, about ${span(one.eta_seconds)} left` : "";
    return row([`${one.direction} of ${one.path ?? one.name}`, one.state, `${size(part)} of ${size(one.bytes)}, ${percent(part, one.bytes)}`, rate + eta, ending("Cancel", one.path ?? one.name, `/api/v1/transfers/${one.id}`)]);
  });
}

/** @param {any} found */
function waiting({ uploads = [] }) {
  const isOpen = (/** @type {any} */ { state, path }) => state === "open" && !isInQueue(path);
  return uploads.filter(isOpen).map((/** @type {any} */ one) => {
    const arrived = one.size === null ? size(one.offset) : `${size(one.offset)} of ${size(one.size)}, ${percent(one.offset, one.size)}`;
    const until = new Date(one.expires_at * 1000).toLocaleString();
    return row([one.path, arrived, one.is_under_way ? "is being sent" : "waits to be continued", until, ending("Drop", one.path, `/api/v1/uploads/${one.id}`)]);
  });
}

async function look() {
  await Promise.all([
    fill(transfers, "/api/v1/transfers", running, ["Transfer", "State", "Acknowledged", "Rate", "Act"], "Nothing runs."),
    fill(kept, "/api/v1/uploads", waiting, ["Path", "Arrived", "State", "Kept until", "Act"], "None is kept."),
  ]);
}

async function watch() {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}
watch();
