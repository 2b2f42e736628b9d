// The room's page: puts its parts together, and shows where the call stands.

import { AT } from "../shared/ask.js";
import { Chime } from "../shared/chime.js";
import { remember, remembered } from "../shared/remembered.js";
import { clock, moment } from "../shared/time.js";
import { After } from "./after.js";
import { Call } from "./call.js";
import { Check, inShort } from "./check.js";
import { Choices } from "./choices.js";
import { Clock } from "./clock.js";
import { Controls } from "./controls.js";
import { Devices, toSpeaker } from "./devices.js";
import { announce, customer, given, post, say, setServerTime, tell, the, write } from "./page.js";
import { Stage } from "./stage.js";
import { outcome } from "./standing.js";
import { Talk } from "./talk.js";
import { Waiting } from "./waiting.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {"check" | "waiting" | "call" | "after"} Phase
 */

const PATIENCE = 2_000; // milliseconds in which a connection may come back before anything is said
const TICK = 1_000; // between looks at what time changes
const NOTICE = 8_000; // for which a notice stays that asks for nothing
const CHECKED = "room-checked"; // this browser's devices have been looked at once

const frame = AT ? await import("./frame.js") : null; // we are inside of another site's page, or were
const devices = new Devices();
const call = new Call({ uid: given.uid, pass: () => post(given.urls.pass) });
const sound = new Chime("room-sound", true);

/** @type {Phase} */ let phase = "check";
let joined = false;
/** @type {import("./standing.js").How | null} */ let over = null;
/** @type {number} */ let talkedFrom = 0; // since when they see or hear each other; 0: not yet
let lasted = 0; // milliseconds
/** @type {Room | null} */ let before = null;

const talk = new Talk(titled);
const check = new Check({ call, devices, join });
const stage = new Stage(call, devices);
const waiting = new Waiting(call);
const time = new Clock();
const after = new After(frame?.again);
const controls = new Controls(call, devices, { talk, has: () => check.has, leave, complain: (text) => notice(text) });
new Choices(devices, speak);

// -- where it stands --------------------------------------------------------------------------------------------------------

/** @returns {Phase} */
function phaseNow() {
  if (over) return "after";
  if (!joined) return "check";
  return call.room?.state === "admitted" ? "call" : "waiting";
}

/** Show everything as it is now. */
function show() {
  const { room } = call;
  const now = phaseNow();
  const moved = now !== phase;
  phase = now;
  the("room").dataset.phase = phase;
  the("room").dataset.only = writes() ? "text" : "";
  for (const [id, of] of /** @type {[string, Phase][]} */ ([["check", "check"], ["waiting", "waiting"], ["stage", "call"], ["after", "after"]])) {
    the(id).hidden = of !== phase;
  }
  the("controls").hidden = phase === "check" || phase === "after";
  the("own").hidden = !(phase === "call" || (phase === "waiting" && devices.tracks.cam));
  if (moved && phase === "after") talk.close();
  const { activeElement } = document;
  if (moved && (activeElement === document.body || !activeElement?.getClientRects().length)) focus(); // what had it is gone
  if (moved && phase === "call") guard(parent === self); // the next page of who frames us leads back in
  if (moved && phase !== "call") guard(false);
  if (writes() && phase === "call" && !talk.isOpen) talk.open(moved);
  if (room) {
    headed(room);
    check.peer(room);
    if (phase === "waiting") waiting.show(room);
    if (phase === "call") stage.show();
    time.show(room, phase === "call");
  }
  if (over) after.show(over, { name: call.room?.peer.name || given.peer, note: call.room?.note ?? "", lasted });
  controls.show();
  health();
  titled();
  frame?.shown(phase, over ?? "");
}

/** The focus goes to where the new phase begins. */
function focus() {
  const place = { check: "check-title", waiting: "waiting-title", call: the("mic").hidden ? "open-chat" : "mic", after: "after-title" }[phase];
  queueMicrotask(() => the(place).focus({ preventScroll: true }));
}

/** Whether they talk in writing alone: the conversation is then what the page is for. */
function writes() {
  const { theirs, room } = call;
  const shows = theirs.mic || theirs.cam || theirs.screen || devices.tracks.mic || devices.tracks.cam;
  return room?.medium === "text" && !shows;
}

/** @param {Room} room */
function headed({ medium, starts_at, ends_at, peer }) {
  write(the("who"), peer.name || given.peer || given.organisation);
  const hours = starts_at !== null && ends_at !== null ? [`${clock(starts_at)} – ${clock(ends_at)}`] : [];
  write(the("about"), [...hours, say(`medium_${medium}`), given.organisation].join(" · "));
}

function titled() {
  const name = call.room?.peer.name || given.peer || given.organisation;
  const arrived = !customer && call.room?.peer.here && (phase === "waiting" || phase === "check");
  const state = { check: "title_check", waiting: "title_waiting", call: "title_call", after: "title_over" }[phase];
  const admitted = phase === "check" && customer && call.room?.state === "admitted";
  const text = say(admitted ? "title_admitted" : arrived ? "title_arrived" : state, { name });
  const title = `${talk?.unread ? `(${talk.unread}) ` : ""}${text} – ${arrived ? given.organisation : name}`;
  if (document.title !== title) document.title = title;
}

// -- joining and leaving ------------------------------------------------------------------------------------------------------

// Who calls, or is called, is expected at once; an adviser has looked at their devices before; in writing there is nothing to look at.
let expected = given.medium === "text" || given.starts_at === null || (!customer && remembered(CHECKED) === "1");
let looked = false; // at the devices, and there is nothing to help with

/** Go in without being asked, if that is what they came for. */
function consider() {
  if (looked && expected) join();
}

function join() {
  if (joined) return;
  joined = true;
  remember(CHECKED, "1");
  call.ready();
  show();
}

function leave() {
  lasted = talkedFrom ? Date.now() - talkedFrom : 0;
  call.finish();
  if (customer) end("left");
}

/** @param {import("./standing.js").How} how */
function end(how) {
  if (talkedFrom && !lasted) lasted = Date.now() - talkedFrom;
  if (how === "end" && lasted) how = "held";
  over = how;
  notice("");
  controls.stop();
  devices.stop();
  for (const id of ["remote-audio", "remote-video", "shown-video"]) the(id).srcObject = null;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  show();
  if (how !== "left") return call.stop();
  setTimeout(() => call.stop(), 500); // what was said last leaves first
}

/** @param {boolean} on whether leaving the page by mistake is asked about */
function guard(on) {
  if (on) addEventListener("beforeunload", ask);
  else removeEventListener("beforeunload", ask);
}

/** @param {BeforeUnloadEvent} event */
const ask = (event) => event.preventDefault();

// -- what happens ---------------------------------------------------------------------------------------------------------

call.on("room", (room) => {
  setServerTime(room.now);
  const name = room.peer.name || given.peer;
  talk.go(room.c || given.c);
  if (before) changes(before, room, name);
  else if (room.state === "admitted" && (!customer || remembered(CHECKED) === "1")) {
    expected = true; // the page was loaded anew, or they were let in from the dashboard
    consider();
  } else if (!customer && room.peer.here) sound.play();
  before = room;
  if (room.state === "ended" && !over) end(outcome(room));
  else show();
});

/**
 * What has changed is told once.
 * @param {Room} was
 * @param {Room} room
 * @param {string} name
 */
function changes(was, room, name) {
  if (!was.peer.here && room.peer.here) {
    announce(say("told_here", { name }));
    if (room.state !== "admitted" || !was.peer.since) sound.play();
  } else if (was.peer.here && !room.peer.here && room.state !== "ended") announce(say("told_gone", { name }));
  if (customer && was.state !== "admitted" && room.state === "admitted") {
    sound.play();
    notice(say("told_admitted", { name }), "good");
  }
  if (customer && room.state === "held" && (was.state !== "held" || was.note !== room.note)) sound.play();
  if (was.starts_at !== room.starts_at && room.starts_at !== null) notice(say("moved", { moment: moment(room.starts_at) }), "good");
  else if (was.ends_at !== room.ends_at && room.ends_at !== null) notice(say("extended", { time: clock(room.ends_at) }), "good");
}

call.on("bye", ({ why }) => over || end(why === "taken-over" ? "taken" : "gone"));
let writing = false; // nothing could be connected, and the conversation was opened for it
call.on("state", ({ link, signal }) => {
  if (link === "connected" && !talkedFrom) talkedFrom = Date.now();
  if (signal !== "open") setTimeout(health, PATIENCE + 50);
  show();
  if (link === "text" && !writing && phase === "call") talk.open(false);
  writing = link === "text";
});
call.on("theirs", show);
call.on("remote", ({ kind }) => kind === "mic" && speak(devices.chosen.speaker));
call.on("pictures", show);
call.on("quality", quality);
devices.on("track", ({ kind, track }) => {
  call.set(kind, track);
  show();
});
devices.on("problem", ({ code }) => {
  if (joined && !over && code) notice(inShort(devices.problems, check.browser));
  show();
});

/** @param {string} id of the speaker that the other is heard from; "" is the browser's */
function speak(id) {
  void toSpeaker(the("remote-audio"), id);
}

// -- how it goes ------------------------------------------------------------------------------------------------------------

/** @type {number} */ let lostAt = 0; // since when there is no way to the server; 0: there is one

/** One line for what is wrong, and another for what has been turned off. */
function health() {
  const { state, pictures, room } = call;
  const lost = state.signal !== "open" && phase !== "after";
  lostAt = lost ? lostAt || Date.now() : 0;
  const waited = lost && Date.now() - lostAt >= PATIENCE;
  const talking = phase === "call" && state.link !== "none";
  const broken = phase === "call" && state.link === "reconnecting";
  const words = !navigator.onLine && waited ? "offline" : broken ? "media_lost" : waited ? (talking ? "signal_lost" : "signal_lost_waiting") : "";
  tell("connection", words && say(words));
  const without = phase === "call" && state.link === "connected" && !pictures.on && room?.medium !== "text";
  tell("health", without ? say(`pictures_${pictures.by || "hand"}`, { name: room?.peer.name ?? "" }) : "", "health-word");
  the("pictures-again").hidden = pictures.by === "other";
  if (state.link !== "connected" || phase !== "call") the("quality").hidden = true;
}

/** @param {import("./call.js").Quality} found */
function quality({ level, rtt, loss, up, down }) {
  the("quality").hidden = phase !== "call" || call.state.link !== "connected";
  the("quality").dataset.level = String(level);
  const word = say(`quality_${level}`);
  write(the("quality-word"), word);
  const speed = (/** @type {number} */ bits) => new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(bits / 1e6) + " Mbit/s";
  the("quality").title = say("quality_more", { word, rtt: rtt ?? "–", loss: loss === null ? "–" : new Intl.NumberFormat(document.documentElement.lang, { style: "percent" }).format(loss), up: speed(up), down: speed(down) });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */ let gone;
/**
 * Something to know, for a few seconds.
 * @param {string} text
 * @param {"good" | ""} [how]
 */
function notice(text, how = "") {
  clearTimeout(gone);
  tell("admitted", text, "admitted-word");
  the("admitted").classList.toggle("good", how === "good");
  gone = setTimeout(() => (the("admitted").hidden = true), NOTICE);
}

the("sounds").checked = sound.on;
the("sounds").addEventListener("change", () => sound.toggle());
addEventListener("online", health);
addEventListener("offline", () => setTimeout(health, PATIENCE + 50));
setInterval(() => {
  const { room } = call;
  if (room && phase === "waiting") waiting.show(room);
  if (room) time.show(room, phase === "call");
}, TICK);

// -- the beginning ------------------------------------------------------------------------------------------------------------

call.start();
talk.go(given.c);
show();
if (await check.start()) {
  looked = true;
  consider();
}
