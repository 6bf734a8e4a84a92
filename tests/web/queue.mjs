// The parts of the pages' scripts that know neither the DOM nor requests. Run by `node --test tests/web`.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { percent, size, span } from "../../assets/web/static/format.js";
import { ASKS_MAX, LAPSES_AFTER, LOOKS, Note, Patience } from "../../assets/web/static/leading.js";
import { AT_ONCE, Meter, PIECE, TRIES_MAX, another, backoff, due, isOver, item, needed, next, pieceAfter, placed } from "../../assets/web/static/queue.js";
import { Refused, ask } from "../../assets/web/static/request.js";
import { Sha256 } from "../../assets/web/static/sha256.js";
import { heading, said, stallOf } from "../../assets/web/static/told.js";

const made = (id = "1") => item({ id, path: "docs/a.txt", size: 100, modified: 5 });
const after = (of, ...events) => events.reduce(next, of);
const sent = (of = made()) => after(of, { type: "begun" }, { type: "made", upload: "/api/v1/uploads/7" });

test("an upload is done only once both digests are the same", () => {
  const stored = after(sent(), { type: "acknowledged", offset: 60 }, { type: "stored", sha256: "ab" });
  assert.equal(stored.state, "checking");
  assert.equal(after(stored, { type: "hashed", sha256: "ab" }).state, "done");
  assert.equal(after(stored, { type: "hashed", sha256: "cd" }).state, "failed");
  const hashed = after(sent(), { type: "hashed", sha256: "ab" });
  assert.equal(hashed.state, "sending");
  assert.equal(after(hashed, { type: "stored", sha256: "ab" }).state, "done");
});

test("an interruption waits longer each time, and a person is asked in the end", () => {
  const failure = { type: "interrupted", problem: "gone", now: 1000, random: 1 };
  let of = sent();
  for (let tries = 1; tries < TRIES_MAX; tries += 1) {
    of = next(of, failure);
    assert.deepEqual([of.state, of.tries, of.retryAt], ["waiting", tries, 1000 + backoff(tries, 1)]);
    of = next(of, { type: "begun" });
  }
  of = next(of, failure);
  assert.equal(of.state, "failed");
  assert.deepEqual([next(of, { type: "resume" }).state, next(of, { type: "resume" }).tries], ["waiting", 0]);
  assert.equal(of.upload, "/api/v1/uploads/7", "it goes on with what the server has");
});

test("progress ends the count of failures", () => {
  const tried = after(sent(), { type: "interrupted", problem: "", now: 0, random: 0 }, { type: "begun" });
  assert.equal(next(tried, { type: "acknowledged", offset: 0 }).tries, 1);
  assert.equal(next(tried, { type: "acknowledged", offset: 1 }).tries, 0);
});

test("waits have bounds", () => {
  assert.deepEqual([backoff(1, 0), backoff(1, 1), backoff(30, 1)], [500, 1000, 60_000]);
});

test("a conflict waits for a person", () => {
  const asking = after(made(), { type: "begun" }, { type: "conflict", there: { size: 3, modified: 4 } });
  assert.deepEqual([asking.state, asking.there], ["asking", { size: 3, modified: 4 }], "any page can show what is there");
  assert.equal(next({ ...asking, guest: true }, { type: "chosen", choice: "replace" }).state, "asking", "of another user nothing is replaced");
  assert.deepEqual(due([asking], 0), []);
  assert.equal(next(asking, { type: "chosen", choice: "skip" }).state, "skipped");
  const replacing = next(asking, { type: "chosen", choice: "replace" });
  assert.deepEqual([replacing.state, replacing.replace, replacing.decided], ["waiting", true, true]);
  const both = next(asking, { type: "chosen", choice: "both", path: "docs/a (2).txt" });
  assert.deepEqual([both.path, both.replace, both.decided], ["docs/a (2).txt", false, true]);
});

test("what is dropped on a directory needs none, and what is below it the ones between", () => {
  const of = (base, path) => ({ base, user: "al", path: placed(base, path, "al") });
  assert.equal(needed(of("", "a.txt")), "");
  assert.equal(needed(of("~alice/team", "a.txt")), "", "the directory that is shared is there, and may not be made");
  assert.equal(needed(of("~alice/team", "photos/deep/a.txt")), "~alice/team/photos/deep");
  assert.equal(needed(of("", "photos/a.txt")), "photos");
  assert.deepEqual([placed("", "~a.txt", "al"), needed(of("", "~a.txt"))], ["~al/~a.txt", ""], "an own name, and not the tree of a user");
  assert.equal(needed(of("", "~bob/a.txt")), "~al/~bob");
});

test("a server that still stores what has come is waited for and counts as no failure", () => {
  let of = sent();
  for (let round = 0; round < 2 * TRIES_MAX; round += 1) {
    of = next(of, { type: "interrupted", problem: "", isWait: true, now: 1000, random: 1 });
    assert.deepEqual([of.state, of.tries], ["waiting", 0]);
    assert.equal(said(of, { now: 1000, rate: null, silent: 0, stall: null }), "What was sent of it is still being stored. Goes on in 1 s.");
    of = next(of, { type: "begun" });
  }
});

test("one tab has the work until it leaves it or is silent for long", () => {
  const kept = new Map();
  const storage = { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) };
  const [one, other] = [new Note(storage, "work", "1"), new Note(storage, "work", "2")];
  assert.deepEqual([one.take(0), other.take(LAPSES_AFTER - 1), one.take(5)], [true, false, true]);
  assert.deepEqual([other.take(LAPSES_AFTER + 4), other.take(LAPSES_AFTER + 5), one.take(LAPSES_AFTER + 6)], [false, true, false]);
  one.leave();
  assert.equal(one.take(LAPSES_AFTER + 7), false, "only who has it leaves it");
  other.leave();
  assert.equal(one.take(LAPSES_AFTER + 8), true);
});

test("the work is taken from a tab that does not answer, and from no other", () => {
  const patience = new Patience();
  const looks = (count) => Array.from({ length: count }, () => patience.next());
  assert.deepEqual([...new Set(looks(ASKS_MAX))], ["ask"]);
  patience.heard();
  assert.deepEqual([...new Set(looks(LOOKS - 1))], ["wait"], "an answer is one for a while");
  assert.deepEqual([patience.next(), ...new Set(looks(ASKS_MAX)), patience.next()], ["wait", "ask", "take"]);
});

test("what does not go on says why, and tells no rate", () => {
  const of = next(sent(item({ id: "1", path: "docs/big.bin", size: 4096, modified: 5 })), { type: "acknowledged", offset: 1024 });
  const rate = { perSecond: 1024, span: 2000 };
  const seen = { now: 0, rate, silent: 0, stall: null };
  assert.equal(said(of, seen), "1.0 KiB of 4.0 KiB acknowledged, 25 %; 1.0 KiB/s over 2 s, about 3 s left");
  assert.equal(said(of, { ...seen, silent: 8000 }), "1.0 KiB of 4.0 KiB acknowledged, 25 %; nothing acknowledged for 8 s");
  const transfer = { direction: "upload", is_over: false, path: "docs/big.bin", waits_for: [{ node: "Node_03", why: "killed", replaced: false }] };
  const stall = stallOf({ is_paused: false }, [{ ...transfer, is_over: true }, transfer]);
  assert.match(said(of, { ...seen, silent: 8000, stall }), /nothing acknowledged for 8 s: waits for Node_03, which is killed$/);
  assert.match(said(of, { ...seen, silent: 8000, stall: stallOf({ is_paused: true }, []) }), /virtual time is paused/);
  transfer.waits_for[0].replaced = true;
  assert.equal(stallOf({}, [transfer]).waits.size, 0, "another node stores its part");
});

test("the heading says how far all are, and what waits for a person", () => {
  const of = next(sent(), { type: "acknowledged", offset: 50 });
  assert.equal(heading([of], null), "1 to upload, 50 % of 100 B");
  assert.equal(heading([of, { ...made("2"), state: "failed" }], stallOf({}, [])), "2 to upload, 25 % of 200 B; 1 waits for you");
  assert.equal(heading([of, { ...of, state: "done" }], null), "1 to upload, 50 % of 100 B, 1 done");
  assert.equal(heading([{ ...of, state: "done" }], null), "1 uploaded and compared");
  const failing = next(of, { type: "interrupted", problem: "the disk is full", now: 0, random: 1 });
  assert.equal(heading([failing], stallOf({ is_paused: true }, [])), "1 to upload, 50 % of 100 B; 1 tries again; virtual time is paused");
  assert.equal(said(failing, { now: 0, rate: null, silent: 0, stall: null }), "the disk is full. Tries again in 1 s.");
});

test("what is paused, over, or lacks its file does not go on by itself", () => {
  const paused = next(sent(), { type: "pause" });
  assert.equal(next(paused, { type: "acknowledged", offset: 50 }), paused);
  assert.equal(next(paused, { type: "begun" }), paused);
  assert.equal(next(paused, { type: "resume" }).state, "waiting");
  const cancelled = next(sent(), { type: "cancel" });
  assert.ok(isOver(cancelled));
  assert.equal(next(cancelled, { type: "resume" }), cancelled);
  const lost = next(sent(), { type: "lost-file" });
  assert.deepEqual([lost.state, lost.upload], ["needs-file", "/api/v1/uploads/7"]);
  assert.equal(next(lost, { type: "file" }).state, "waiting");
});

test("an upload that the server has forgotten begins again", () => {
  const gone = next(next(sent(), { type: "acknowledged", offset: 60 }), { type: "gone" });
  assert.deepEqual([gone.state, gone.upload, gone.offset], ["waiting", "", 0]);
});

test("few run at once, the first ones first", () => {
  const items = ["1", "2", "3", "4"].map(made);
  assert.deepEqual(due(items, 0).map(({ id }) => id), ["1", "2"].slice(0, AT_ONCE));
  items[0] = next(items[0], { type: "begun" });
  assert.deepEqual(due(items, 0).map(({ id }) => id), ["2"]);
  items[1] = { ...items[1], retryAt: 10 };
  assert.deepEqual(due(items, 9).map(({ id }) => id), ["3"]);
});

test("pieces grow while they are quick, and shrink while they are slow", () => {
  assert.equal(pieceAfter(PIECE[0], 10), PIECE[0] * 2);
  assert.equal(pieceAfter(PIECE[1], 10), PIECE[1]);
  assert.equal(pieceAfter(PIECE[1], 9000), PIECE[1] / 2);
  assert.equal(pieceAfter(PIECE[0], 9000), PIECE[0]);
  assert.equal(pieceAfter(1 << 20, 2000), 1 << 20);
});

test("a rate is measured over its span", () => {
  const meter = new Meter(10_000);
  assert.equal(meter.rate(0), null);
  meter.note(0, 0);
  assert.equal(meter.rate(1000), null);
  meter.note(1000, 5000);
  assert.deepEqual(meter.rate(2000), { perSecond: 2500, span: 2000 });
  meter.note(30_000, 6000);
  assert.equal(meter.rate(30_000).span, 29_000, "the last mark before the span begins it");
  meter.note(41_000, 6000);
  assert.deepEqual(meter.rate(41_000), null, "nothing came in the last seconds");
});

test("names that are not taken", () => {
  assert.equal(another("docs/a.tar.gz", 2), "docs/a.tar (2).gz");
  assert.equal(another("docs.d/Makefile", 3), "docs.d/Makefile (3)");
  assert.equal(another("docs/.profile", 2), "docs/.profile (2)");
});

test("SHA-256 of content in pieces is that of the whole", () => {
  for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 100_003]) {
    const bytes = new Uint8Array(length).map((_, index) => index * 7 + length);
    const digest = new Sha256();
    for (let at = 0; at < length; at += 997) digest.update(bytes.subarray(at, at + 997));
    assert.equal(digest.hex(), createHash("sha256").update(bytes).digest("hex"), `${length} bytes`);
  }
});

test("figures in words", () => {
  assert.deepEqual([size(1023), size(1536), size(5 * 2 ** 30)], ["1023 B", "1.5 KiB", "5.0 GiB"]);
  assert.deepEqual([span(0.2), span(125), span(7260), span(Infinity)], ["1 s", "2 min 5 s", "2 h 1 min", "unknown"]);
  assert.deepEqual([percent(999, 1000), percent(0, 0)], ["99 %", "100 %"]);
});

/** A page of a user with a token, and a server of which a session has another one: what the server was asked. */
function page(name, server) {
  const metas = { 'meta[name="csrf-token"]': "old", 'meta[name="user"]': "alice" };
  const element = (selector) => ({ getAttribute: () => metas[selector], setAttribute: (_, value) => (metas[selector] = value) });
  const field = { value: "old", setAttribute: (_, value) => (field.value = value) };
  const form = { action: "/files/a?csrf_token=old", getAttribute: () => form.action, setAttribute: (_, value) => (form.action = value) };
  globalThis.document = { querySelector: element, querySelectorAll: (selector) => (selector.startsWith("form") ? [form] : [field]) };
  const seen = [];
  globalThis.fetch = async (url, { method = "GET", headers }) => {
    const given = headers.get("X-CSRF-Token");
    seen.push([method, url, given]);
    if (url.endsWith("/whoami")) return Response.json({ name, csrf_token: server });
    return given === server ? new Response("done") : Response.json({ reason: "CROSS_SITE", detail: "no" }, { status: 403 });
  };
  return { seen, field, form, token: () => metas['meta[name="csrf-token"]'] };
}

test("a page goes on with the session of a later sign-in of its user", async () => {
  const { seen, field, form, token } = page("alice", "new");
  assert.equal(await (await ask("/x", { method: "PATCH", body: "piece" })).text(), "done");
  assert.deepEqual(seen, [["PATCH", "/x", "old"], ["GET", "/api/v1/auth/whoami", null], ["PATCH", "/x", "new"]]);
  assert.deepEqual([token(), field.value, form.action], ["new", "new", "/files/a?csrf_token=new"]);
  await ask("/x", { method: "DELETE" });
  assert.equal(seen.length, 4);
});

test("a page does nothing in the name of another user, and asks no second time with the same token", async () => {
  const others = page("bob", "new");
  await assert.rejects(ask("/x", { method: "PATCH" }), (error) => error instanceof Refused && error.status === 401);
  assert.deepEqual([others.seen.length, others.token()], [2, "old"]);
  const same = page("alice", "old");
  globalThis.fetch = ((inner) => async (url, init) => url === "/x" ? Response.json({ reason: "CROSS_SITE", detail: "no" }, { status: 403 }) : inner(url, init))(globalThis.fetch);
  await assert.rejects(ask("/x", { method: "PATCH" }), (error) => error instanceof Refused && error.reason === "CROSS_SITE");
  assert.equal(same.seen.length, 1);
});
