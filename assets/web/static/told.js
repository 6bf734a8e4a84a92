// @ts-check
// What is said of the queue of uploads, in words. Without the DOM, so that node tests it.

import { percent, size, span } from "./format.js";
import { isOver } from "./queue.js";

/** @typedef {import("./queue.js").Item} Item */

/** Time in milliseconds without an acknowledgement after which that is said, and not a rate. */
export const SILENT_AFTER = 5000;

/**
 * What the server says about why nothing goes on.
 * @typedef {object} Stall
 * @property {boolean} isPaused true if virtual time stands still
 * @property {Map<string, string>} waits for the path of an upload, what it waits for
 */

/**
 * Returns the stall that the server's virtual time and transfers tell of.
 * @param {any} time
 * @param {any[]} transfers
 * @returns {Stall}
 */
export function stallOf(time, transfers) {
  const waits = new Map();
  for (const one of transfers) {
    const awaited = (one.waits_for ?? []).filter((/** @type {any} */ { replaced }) => !replaced);
    if (one.is_over || one.direction !== "upload" || awaited.length === 0) continue;
    const nodes = awaited.map((/** @type {any} */ { node, why }) => `${node}, which is ${why.replace("_", " ")}`);
    waits.set(one.path.normalize("NFC"), nodes.join(", and for "));
  }
  return { isPaused: Boolean(time.is_paused), waits };
}

/**
 * Returns what the heading of the queue says.
 * @param {Item[]} items
 * @param {Stall | null} stall
 */
export function heading(items, stall) {
  const open = items.filter((of) => !isOver(of));
  const done = items.filter(({ state }) => state === "done").length;
  if (open.length === 0) return `${done} uploaded and compared`;
  const [part, whole] = [sum(open.map(({ offset }) => offset)), sum(open.map((of) => of.size))];
  const waits = open.filter(({ state }) => ["asking", "failed", "needs-file"].includes(state)).length;
  const asks = waits > 0 ? `; ${waits} ${waits === 1 ? "waits" : "wait"} for you` : "";
  const tries = open.filter(({ state, problem }) => state === "waiting" && problem).length;
  const again = tries > 0 ? `; ${tries} ${tries === 1 ? "tries" : "try"} again` : "";
  const paused = stall?.isPaused ? "; virtual time is paused" : "";
  return `${open.length} to upload, ${percent(part, whole)} of ${size(whole)}${done > 0 ? `, ${done} done` : ""}${asks}${again}${paused}`;
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((all, one) => all + one, 0);
}

/**
 * Returns what is said of an upload.
 * @param {Item} item
 * @param {object} seen
 * @param {number} seen.now milliseconds since 1970
 * @param {{perSecond: number, span: number} | null} seen.rate
 * @param {number} seen.silent milliseconds since the last acknowledgement
 * @param {Stall | null} seen.stall
 * @returns {string}
 */
export function said(item, seen) {
  const { state, offset, problem } = item;
  const acknowledged = `${size(offset)} of ${size(item.size)} acknowledged, ${percent(offset, item.size)}`;
  switch (state) {
    case "waiting":
      return waiting(item, seen.now);
    case "sending":
      return `${acknowledged}${progress(item, seen)}`;
    case "checking":
      return "All is stored; its SHA-256 is compared with what this page has read.";
    case "asking":
      return "Something of this name is there already.";
    case "paused":
      return `Paused; ${acknowledged}`;
    case "needs-file":
      return `This browser does not have the file any more. ${acknowledged}; choose it again to go on.`;
    case "failed":
      return sentence(problem);
    case "done":
      return `Stored, and its SHA-256 is what this page has read: ${item.stored.slice(0, 12)}…`;
    case "skipped":
      return "Skipped.";
    default:
      return "Cancelled.";
  }
}

/** Ends what the server says with a full stop. @param {string} text */
function sentence(text) {
  return text.replace(/[^.!?…]$/, "$&.");
}

/** @param {Item} item @param {number} now */
function waiting({ retryAt, problem, size: bytes }, now) {
  const wait = Math.ceil((retryAt - now) / 1000);
  if (wait <= 0) return `Waits for its turn; ${size(bytes)}.`;
  return problem ? `${sentence(problem)} Tries again in ${span(wait)}.` : `What was sent of it is still being stored. Goes on in ${span(wait)}.`;
}

/**
 * @param {Item} item
 * @param {{rate: {perSecond: number, span: number} | null, silent: number, stall: Stall | null}} seen
 */
function progress({ path, offset, size: bytes }, { rate, silent, stall }) {
  if (stall?.isPaused) return "; virtual time is paused, so that nothing goes on";
  if (silent > SILENT_AFTER) {
    const awaited = stall?.waits.get(path.normalize("NFC"));
    return `; nothing acknowledged for ${span(silent / 1000)}${awaited ? `: waits for ${awaited}` : ""}`;
  }
  if (!rate) return "";
  return `; ${size(Math.round(rate.perSecond))}/s over ${span(rate.span / 1000)}, about ${span((bytes - offset) / rate.perSecond)} left`;
}
