// @ts-check
// The queue of uploads on the page: one line each, with its progress and what can be done with it.

import { percent, size, span } from "./format.js";
import { isOver } from "./queue.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./sending.js").Uploads} Uploads */

/** Lines that are shown at the most; the heading counts the rest. */
const LINES = 100;

export class Panel {
  /**
   * @param {Uploads} uploads
   * @param {Element | null} place place on the page; none for the corner
   */
  constructor(uploads, place) {
    this.uploads = uploads;
    /** Called to ask about a conflict. */
    this.onconflict = () => {};
    this.root = document.createElement("section");
    this.root.className = place ? "queue here" : "queue";
    this.root.setAttribute("aria-label", "Uploads");
    this.root.hidden = true;
    this.heading = document.createElement("h2");
    this.fold = button("Fold", () => this.root.classList.toggle("folded"));
    this.fold.classList.add("quiet");
    this.clear = button("Clear", () => this.cleared());
    this.clear.classList.add("quiet");
    this.show = button("Show them", () => window.location.reload());
    const header = document.createElement("header");
    header.append(this.heading, this.show, this.clear, ...(place ? [] : [this.fold]));
    this.list = document.createElement("ol");
    this.status = document.createElement("p");
    this.status.className = "sr-only";
    this.status.setAttribute("role", "status");
    this.root.append(header, this.status, this.list);
    if (place) place.after(this.root);
    else document.body.append(this.root);
    this.place = place;
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    uploads.addEventListener("change", () => this.draw());
    setInterval(() => this.draw(), 1000);
  }

  open() {
    this.root.classList.remove("folded");
  }

  cleared() {
    for (const [id, item] of this.uploads.items) if (isOver(item)) this.uploads.items.delete(id);
    this.draw();
  }

  draw() {
    const items = [...this.uploads.items.values()];
    this.root.hidden = items.length === 0;
    if (this.place instanceof HTMLElement) this.place.hidden = items.length > 0;
    const open = items.filter((item) => !isOver(item));
    const done = items.filter(({ state }) => state === "done").length;
    const words = open.length > 0 ? `${open.length} to upload, ${done} done` : `${done} uploaded and compared`;
    const more = items.length > LINES ? `, ${items.length - LINES} not shown` : "";
    if (this.heading.textContent !== words + more) this.heading.textContent = words + more;
    if (open.length === 0 && items.length > 0) this.told(words);
    this.clear.hidden = !items.some(isOver);
    // The list of the page is from before; it is loaded anew only when a person wants, who may be at something else.
    this.show.hidden = Boolean(this.place) || done === 0 || open.length > 0;
    const shown = [...open, ...items.filter(isOver)].slice(0, LINES);
    for (const [id, line] of this.lines) {
      if (!shown.some((item) => item.id === id)) {
        line.root.remove();
        this.lines.delete(id);
      }
    }
    for (const item of shown) {
      let line = this.lines.get(item.id);
      if (!line) {
        line = new Line(this, item);
        this.lines.set(item.id, line);
        this.list.append(line.root);
      }
      line.draw(item);
    }
  }

  /** @param {string} words */
  told(words) {
    if (this.status.textContent !== words) this.status.textContent = words;
  }
}

class Line {
  /**
   * @param {Panel} panel
   * @param {Item} item
   */
  constructor(panel, item) {
    this.panel = panel;
    this.root = document.createElement("li");
    const first = document.createElement("div");
    first.className = "first";
    this.name = document.createElement("span");
    this.name.className = "name";
    const want = (/** @type {import("./queue.js").Event} */ event) => panel.uploads.want(item.id, event);
    this.buttons = {
      pause: button("Pause", () => want({ type: "pause" }), "pause"),
      resume: button("Go on", () => want({ type: "resume" }), "play"),
      retry: button("Try again", () => want({ type: "resume" }), "retry"),
      choose: button("Choose", () => panel.onconflict()),
      file: button("Choose the file again", () => this.ask(item.id)),
      cancel: button("Cancel", () => want({ type: "cancel" }), "close"),
    };
    first.append(this.name, ...Object.values(this.buttons));
    this.bar = document.createElement("progress");
    this.said = document.createElement("div");
    this.said.className = "said";
    this.root.append(first, this.bar, this.said);
  }

  /** @param {Item} item */
  draw(item) {
    const { state, path, offset } = item;
    if (this.name.textContent !== path) {
      this.name.textContent = this.name.title = path;
      this.bar.setAttribute("aria-label", `Progress of ${path}`);
      for (const one of Object.values(this.buttons)) {
        one.setAttribute("aria-label", `${one.title || one.textContent} ${path}`);
      }
    }
    const { pause, resume, retry, choose, file, cancel } = this.buttons;
    pause.hidden = !(state === "sending" || state === "waiting");
    resume.hidden = state !== "paused";
    retry.hidden = !(state === "failed" || (state === "waiting" && item.tries > 0));
    choose.hidden = state !== "asking";
    file.hidden = state !== "needs-file";
    cancel.hidden = isOver(item);
    this.bar.hidden = isOver(item);
    this.bar.max = Math.max(1, item.size);
    this.bar.value = item.size === 0 ? 0 : offset;
    const words = this.words(item);
    if (this.said.textContent !== words) this.said.textContent = words;
    this.said.className = `said ${state === "failed" ? "bad" : state === "done" ? "ok" : ""}`;
  }

  /** @param {Item} item */
  words(item) {
    const { state, offset, problem } = item;
    const acknowledged = `${size(offset)} of ${size(item.size)} acknowledged, ${percent(offset, item.size)}`;
    switch (state) {
      case "waiting": {
        const wait = Math.ceil((item.retryAt - Date.now()) / 1000);
        return wait > 0 ? `${problem} Tries again in ${span(wait)}.` : `Waits for its turn; ${size(item.size)}.`;
      }
      case "sending": {
        const rate = this.panel.uploads.meters.get(item.id)?.rate(Date.now());
        if (!rate) return acknowledged;
        const left = (item.size - offset) / rate.perSecond;
        return `${acknowledged}; ${size(Math.round(rate.perSecond))}/s over ${span(rate.span / 1000)}, about ${span(left)} left`;
      }
      case "checking":
        return "All is stored; its SHA-256 is compared with what this page has read.";
      case "asking":
        return "Something of this name is there already.";
      case "paused":
        return `Paused; ${acknowledged}`;
      case "needs-file":
        return `This browser does not have the file any more. ${acknowledged}; choose it again to go on.`;
      case "failed":
        return problem;
      case "done":
        return `Stored, and its SHA-256 is what this page has read: ${item.stored.slice(0, 12)}…`;
      case "skipped":
        return "Skipped.";
      default:
        return "Cancelled.";
    }
  }

  /** @param {string} id */
  ask(id) {
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("change", async () => {
      const file = input.files?.[0];
      if (file && !(await this.panel.uploads.found(id, file))) {
        this.said.textContent = `${file.name} is another file: its name, size or time is not that of the upload.`;
      }
    });
    input.click();
  }
}

/**
 * @param {string} words
 * @param {() => void} pressed
 * @param {string} [icon]
 */
function button(words, pressed, icon) {
  const made = document.createElement("button");
  made.type = "button";
  if (icon) {
    const [svg, use] = ["svg", "use"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `/static/icons.svg#${icon}`);
    svg.append(use);
    made.append(svg);
    made.title = words;
    made.setAttribute("aria-label", words);
    made.className = "quiet icon-only";
  } else {
    made.textContent = words;
  }
  made.addEventListener("click", pressed);
  return made;
}
