// Before anybody is let in: to the customer, whether the adviser is there and for how long they wait; to the adviser, who has come.

import { element } from "../shared/text.js";
import { clock, inWords } from "../shared/time.js";
import { customer, given, say, serverTime, tell, the, write } from "./page.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {{
 *   title: string, word: string, note: string, state: string, late: boolean, waits: boolean,
 * }} Standing the page's words by name; `state` the other side's presence; `waits` whether the customer can be let in
 */

const LATE = 60_000; // milliseconds after the start: until then nobody is late

/**
 * How it stands. Pure.
 * @param {Room} room
 * @param {number} now milliseconds
 * @returns {Standing}
 */
export function standing(room, now) {
  return room.role === "customer" ? ofCustomer(room, now) : ofAdviser(room, now);
}

/**
 * @param {Room} room
 * @param {number} now
 * @returns {Standing}
 */
function ofCustomer({ state, note, peer, presence, starts_at }, now) {
  const begun = starts_at !== null && now >= starts_at + LATE;
  const absent = presence === "away" || presence === "offline";
  const late = begun && !peer.here && (absent || now >= starts_at + 5 * LATE);
  const shown = peer.here ? "room" : presence;
  const rest = { state: shown, late, note: "", waits: false };
  if (state === "ringing") return { ...rest, title: "wait_ringing", word: "wait_word_knows" };
  if (state === "held") return { ...rest, title: "wait_held", word: "wait_word_held", note };
  if (peer.here) return { ...rest, title: "wait_lets_in", word: "wait_word_knows" };
  if (late) return { ...rest, title: "wait_late", word: "wait_word_late" };
  if (presence === "call") return { ...rest, title: "wait_knows", word: "wait_word_call" };
  if (absent && starts_at !== null && now < starts_at) return { ...rest, title: "wait_at", word: "wait_word_early" };
  return { ...rest, title: "wait_knows", word: starts_at !== null && now < starts_at ? "wait_word_early" : "wait_word_knows" };
}

/**
 * @param {Room} room
 * @param {number} now
 * @returns {Standing}
 */
function ofAdviser({ state, note, peer, starts_at }, now) {
  const late = !peer.here && starts_at !== null && now >= starts_at + LATE;
  const rest = { state: "", late, note: "", waits: peer.here && state !== "ringing" };
  if (state === "ringing") return { ...rest, title: "wait_ringing", word: "guest_word_not" };
  const looks = peer.ready ? "guest_ready" : "guest_looking";
  if (peer.here && state === "held") return { ...rest, title: "guest_held", word: looks, note };
  if (peer.here) return { ...rest, title: "guest_here", word: looks };
  if (peer.since !== null) return { ...rest, title: "guest_gone", word: "guest_word_not" };
  return { ...rest, title: late ? "guest_late" : "guest_not", word: "guest_word_not" };
}

export class Waiting {
  #since = Date.now();
  /** @type {string} */ #times = "";

  /** @param {import("./call.js").Call} call */
  constructor(call) {
    if (customer) return;
    the("let-in").addEventListener("click", () => call.admit());
    the("holding").addEventListener("close", (/** @type {any} */ { target }) => {
      if (target.returnValue === "hold") call.hold(the("holding-text").value.trim());
      target.returnValue = "";
    });
    the("rejecting").addEventListener("close", (/** @type {any} */ { target }) => {
      if (target.returnValue === "reject") call.reject(the("rejecting-text").value.trim());
      target.returnValue = "";
    });
  }

  /** @param {Room} room */
  show(room) {
    const now = serverTime();
    const { title, word, note, state, late, waits } = standing(room, now);
    const name = room.peer.name || given.peer || given.organisation;
    write(the("waiting-title"), say(title, { name, time: room.starts_at ? clock(room.starts_at) : "" }));
    write(the("waiting-word"), say(word, { name }));
    tell("waiting-note", note);
    tell("waiting-state", state && say(`state_${state}`), "waiting-state-word");
    the("waiting-state").dataset.state = state === "room" ? "available" : state;
    this.#dated(room, now);
    if (customer) {
      write(the("ways-on-word"), say(late ? "ways_late" : "ways"));
      the("ways-on").toggleAttribute("data-late", late);
    } else the("deciding").hidden = !waits;
  }

  /**
   * @param {Room} room
   * @param {number} now
   */
  #dated({ starts_at, ends_at, peer }, now) {
    /** @type {[string, string][]} */
    const times = [];
    if (starts_at !== null && ends_at !== null) {
      times.push([say("times_appointment"), `${clock(starts_at)} – ${clock(ends_at)}`]);
      times.push([say(starts_at > now ? "times_begins" : "times_began"), away(starts_at - now)]);
    }
    if (customer) times.push([say("times_waited"), since(Date.now() - this.#since)]);
    else if (peer.here && peer.since !== null) times.push([say("times_waits"), since(now - peer.since)]);
    const key = JSON.stringify(times);
    if (key === this.#times) return;
    this.#times = key;
    the("waiting-times").replaceChildren(...times.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }
}

/** @param {number} ms until then; negative when it is over */
function away(ms) {
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 30) return say("times_now");
  return ms > 0 ? say("times_in", { time: inWords(seconds) }) : say("times_ago", { time: inWords(seconds - 59) });
}

/** @param {number} ms */
const since = (ms) => (ms < 60_000 ? say("times_moment") : inWords(ms / 1000 - 59));
