// What people in a room are told, and when.

import assert from "node:assert/strict";
import test from "node:test";

import { browserOf } from "../../../static/room/browsers.js";
import { extensions, help, instead, outcome, standing, told, ways } from "../../../static/room/standing.js";

const MINUTE = 60_000;
const START = 1_795_600_000_000;

/** @param {object} changes */
const room = (changes) => ({
  t: "room", call: "c", role: "customer", state: "waiting", outcome: "", note: "", medium: "video", gen: 1, polite: true,
  peer: { name: "Alice", here: false, ready: false, since: null }, presence: "available", c: "", starts_at: START,
  ends_at: START + 30 * MINUTE, closes_at: START + 60 * MINUTE, next_at: null, extend: 0, now: START, ...changes,
});
const here = (ready = true) => ({ name: "Carol", here: true, ready, since: START - MINUTE });

/** @param {object} changes @param {number} [minutes] after the start */
const title = (changes, minutes = -4) => standing(/** @type {any} */ (room(changes)), START + minutes * MINUTE).title;

test("Carol is told whether Alice is there, and when she comes", () => {
  assert.equal(title({}), "wait_knows");
  assert.equal(title({ presence: "offline" }), "wait_at");
  assert.equal(title({ presence: "offline" }, 2), "wait_late");
  assert.equal(title({ presence: "call" }, 2), "wait_knows");
  assert.equal(title({ presence: "call" }, 6), "wait_late");
  assert.equal(title({ peer: here() }, 6), "wait_lets_in");
  assert.equal(title({ starts_at: null, ends_at: null, state: "ringing" }), "wait_ringing");
});

test("Alice's words come with being asked to wait, and with nothing else", () => {
  const held = standing(/** @type {any} */ (room({ state: "held", note: "Two minutes" })), START);
  assert.deepEqual([held.title, held.note], ["wait_held", "Two minutes"]);
  assert.equal(standing(/** @type {any} */ (room({ note: "Two minutes" })), START).note, "");
});

test("Alice is told who waits, who is late and who has gone, and can let in whoever is there", () => {
  const alice = (/** @type {object} */ changes, minutes = 0) =>
    standing(/** @type {any} */ (room({ role: "adviser", presence: "", ...changes })), START + minutes * MINUTE);
  assert.deepEqual([alice({}).title, alice({}).waits], ["guest_not", false]);
  assert.equal(alice({}, 3).title, "guest_late");
  assert.deepEqual([alice({ peer: here(false) }).word, alice({ peer: here(false) }).waits], ["guest_looking", true]);
  assert.equal(alice({ peer: here() }).word, "guest_ready");
  assert.equal(alice({ peer: here(), state: "held" }).title, "guest_held");
  assert.equal(alice({ peer: { ...here(), here: false } }, 3).title, "guest_gone");
});

test("there is always a way to take part, and a camera is not missed", () => {
  assert.deepEqual(ways("video", { mic: true, cam: true }, true), ["video", "audio", "text", "phone"]);
  assert.deepEqual(ways("video", { mic: true, cam: false }, true), ["audio", "text", "phone"]);
  assert.deepEqual(ways("audio", { mic: true, cam: true }, false), ["audio", "text"]);
  assert.deepEqual(ways("video", { mic: false, cam: false }, false), ["text"]);
  assert.deepEqual(ways("text", { mic: true, cam: true }, false), ["text"]);
});

test("what cannot be had is helped with, and what is not there is not mentioned", () => {
  assert.equal(help({ mic: "", cam: "none" }, "chrome"), null);
  assert.equal(help({ mic: "none", cam: "none" }, "chrome"), null);
  assert.deepEqual(help({ mic: "denied", cam: "denied" }, "ios"), { title: "help_both", word: "help_denied", steps: "steps_ios", again: true });
  assert.equal(help({ mic: "", cam: "busy" }, "edge")?.title, "help_busy_cam");
  assert.equal(help({ mic: "none", cam: "denied" }, "edge")?.title, "help_cam");
  assert.equal(help({ mic: "insecure", cam: "insecure" }, "edge")?.again, false);
});

test("browsers are told apart by what they call themselves", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  const safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15";
  assert.equal(browserOf(chrome, 0), "chrome");
  assert.equal(browserOf(`${chrome} Edg/140.0.0.0`, 0), "edge");
  assert.equal(browserOf(chrome.replace("X11; Linux x86_64", "Linux; Android 10; K"), 5), "android");
  assert.equal(browserOf("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 0), "firefox");
  assert.equal(browserOf(safari, 0), "safari");
  assert.equal(browserOf(safari, 5), "ios"); // an iPad
});

test("where there is no picture, it says why", () => {
  const none = { mic: false, cam: false, screen: false, audio_only: false };
  const said = (/** @type {object} */ changes, /** @type {any} */ link, theirs = none) =>
    instead(/** @type {any} */ (room(changes)), { signal: "open", link }, theirs);
  assert.equal(said({}, "connected"), "peer_away");
  assert.equal(said({ peer: here(false) }, "none"), "peer_looking");
  assert.equal(said({ peer: here() }, "connecting"), "peer_connecting");
  assert.equal(said({ peer: here() }, "text"), "peer_text");
  assert.equal(said({ peer: here() }, "connected", { ...none, mic: true }), "");
});

test("what may be added is offered in round numbers", () => {
  assert.deepEqual(extensions(0), []);
  assert.deepEqual(extensions(3), [3]);
  assert.deepEqual(extensions(12), [5, 10]);
  assert.deepEqual(extensions(60), [5, 10, 15]);
});

test("every end has words for both", () => {
  const ended = (/** @type {string} */ one) => outcome(/** @type {any} */ (room({ state: "ended", outcome: one })));
  assert.equal(ended("busy"), "missed");
  assert.equal(ended(""), "end");
  assert.equal(told(ended("held"), true, MINUTE).title, "over_held");
  assert.equal(told(ended("held"), false, 0).word, "");
  assert.equal(told(ended("rejected"), true, 0).word, "over_rejected_word");
  assert.equal(told(ended("rejected"), false, 0).title, "over_rejected_own");
  assert.equal(told("taken", true, 0).title, "over_taken");
});
