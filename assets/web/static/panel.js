// @ts-check
// The queue of uploads on the page: one line each, with its progress and what can be done with it.

import { isOver } from "./queue.js";
import { ask, encoded } from "./request.js";
import { SILENT_AFTER, heading, said, stallOf } from "./told.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./sending.js").Uploads} Uploads */

/** Lines that are shown at the most; the heading counts the rest. */
const LINES = 100;
/** Time between two questions about why nothing goes on, in milliseconds. */
const ASKS_EVERY = 3000;

export class Panel {
  /**
   * @param {Uploads} uploads
   * @param {Element | null} place place on the page; none for the corner
   * @param {string | null} directory path of the directory that the page lists; `null` on other pages, where a bar says how far the uploads are
   */
  constructor(uploads, place, directory) {
    this.uploads = uploads;
    /** Called to ask about a conflict. */
    this.onconflict = () => {};
    this.root = document.createElement("section");
    this.root.className = place ? "queue here" : "queue";
    this.root.setAttribute("aria-label", "Uploads");
    this.root.hidden = true;
    this.directory = directory;
    this.heading = document.createElement("h2");
    this.fold = button("Fold", () => this.folded(!this.root.classList.contains("folded")));
    this.fold.classList.add("quiet");
    this.folded(!place && directory === null);
    this.clear = button("Clear", () => uploads.clear());
    this.clear.classList.add("quiet");
    this.show = button("Show them", () => window.location.assign(`/files/${encoded(this.base)}`));
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
    /** Directory of the last upload that is done. */
    this.base = "";
    /** @type {Map<string, Line>} */
    this.lines = new Map();
    /** Offsets, and since when they are so. @type {Map<string, {offset: number, since: number}>} */
    this.offsets = new Map();
    /** @type {import("./told.js").Stall | null} */
    this.stall = null;
    this.askedAt = 0;
    uploads.addEventListener("change", () => this.draw());
    setInterval(() => {
      this.draw();
      this.why();
    }, 1000);
  }

  open() {
    this.folded(false);
  }

  /** @param {boolean} isFolded */
  folded(isFolded) {
    this.root.classList.toggle("folded", isFolded);
    this.fold.textContent = isFolded ? "Unfold" : "Fold";
    this.fold.setAttribute("aria-expanded", String(!isFolded));
  }

  /** Returns for how long nothing was acknowledged of an upload that is being sent, in milliseconds. @param {Item} item */
  silent({ id, offset, state }) {
    const known = this.offsets.get(id);
    if (state === "sending" && known?.offset === offset) return Date.now() - known.since;
    if (state === "sending") this.offsets.set(id, { offset, since: Date.now() });
    else this.offsets.delete(id);
    return 0;
  }

  /** Asks the server why nothing goes on, if that is so. */
  async why() {
    const isStuck = [...this.uploads.items.values()].some((item) => this.silent(item) > SILENT_AFTER);
    if (!isStuck) this.stall = null;
    if (!isStuck || document.hidden || Date.now() - this.askedAt < ASKS_EVERY) return;
    this.askedAt = Date.now();
    try {
      const [time, found] = await Promise.all(["/api/v1/time", "/api/v1/transfers"].map(async (url) => (await ask(url)).json()));
      this.stall = stallOf(time, found.transfers ?? []);
    } catch {
      this.stall = null;
    }
  }

  draw() {
    const items = [...this.uploads.items.values()];
    this.root.hidden = items.length === 0;
    if (this.place instanceof HTMLElement) this.place.hidden = items.length > 0;
    const open = items.filter((item) => !isOver(item));
    const done = items.filter(({ state }) => state === "done");
    const words = heading(items, this.stall);
    const more = items.length > LINES ? `, ${items.length - LINES} not shown` : "";
    if (this.heading.textContent !== words + more) this.heading.textContent = words + more;
    this.told(open.length === 0 && items.length > 0 ? words : "");
    this.clear.hidden = !items.some(isOver);
    // A page that lists their directory has them.
    this.base = done.at(-1)?.base ?? "";
    this.show.hidden = done.length === 0 || open.length > 0 || this.base === this.directory;
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
    const rate = this.panel.uploads.meters.get(item.id)?.rate(Date.now()) ?? null;
    const words = said(item, { now: Date.now(), rate, silent: this.panel.silent(item), stall: this.panel.stall });
    if (this.said.textContent !== words) this.said.textContent = words;
    this.said.className = `said ${state === "failed" ? "bad" : state === "done" ? "ok" : ""}`;
  }

  /** @param {string} id */
  ask(id) {
    const input = document.createElement("input");
    input.type = "file";
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file && !this.panel.uploads.found(id, file)) {
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
