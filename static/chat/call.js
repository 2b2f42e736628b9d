// Calls on the chat page: ringing somebody who is there, being rung, and the ways on when nobody answers. Fetched when it is needed,
// with its part of the page; what goes on is drawn from the latest frame `calls`, so that every tab shows the same.

import { AT, Refusal, ask, here } from "../shared/ask.js";
import { backToRoom, showRoom, standingOf, stopwatch, windowAhead } from "../shared/calls.js";
import { freshId } from "../shared/ids.js";
import { keepMine, mine } from "../shared/mine.js";
import { Ring } from "../shared/ring.js";
import { filled } from "../shared/text.js";
import { pageBefore } from "./begin.js";
import { CallBack } from "./callback.js";
import { failed } from "./dialogs.js";
import { given, mark, the, zone } from "./page.js";

/**
 * @typedef {import("../shared/calls.js").Call} Call
 * @typedef {"audio" | "video"} Medium
 * @typedef {"offer" | "rung" | "rings" | "open" | "over" | "callback" | "done" | "nobody" | ""} Step what is shown; "" for nothing
 * @typedef {{
 *   live: import("../shared/live.js").Live,
 *   head: import("./head.js").Head,
 *   needed: () => string[],
 *   now: () => number,
 *   look: () => Promise<void>,
 *   write: () => void,
 *   drawn: (caller: string) => void,
 * }} Ends
 *   `needed`: the fields to be asked with the first call; `look` for the conversation that it is told in;
 *   `write` a message instead; `drawn` tells whose ring there is
 */

const FIELDS = ["name", "email"];
const APART = given.embed && !AT; // rooms have a window of their own
const ANSWERED_IN = 4_000; // milliseconds in which what was asked for is in a frame, or will not be

/** @type {Record<string, string>} */
let words = {};

/**
 * Fetch this part of the page, and put it in its place.
 * @param {Ends} ends
 */
export async function fetched(ends) {
  const answer = await fetch(here(`/chat/calling?${new URLSearchParams({ lang: document.documentElement.lang, embed: given.embed ?? "" })}`));
  if (!answer.ok) throw new Refusal(answer.status, {});
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  words = JSON.parse(part.querySelector("#calling-words")?.textContent ?? "{}");
  const style = /** @type {HTMLLinkElement | null} */ (part.querySelector("link"));
  if (style) {
    const laid = new Promise((done) => (style.onload = style.onerror = done));
    document.head.append(document.adoptNode(style));
    await laid;
  }
  the("chat").querySelector("header").after(...[...part.querySelectorAll("#calling, #calling-bar")].map((one) => document.adoptNode(one)));
  return new Calling(ends);
}

export class Calling {
  /** @type {Call[]} */ #calls = [];
  /** @type {Step} */ #local = ""; // what this tab shows of its own, when nothing rings
  /** @type {Step} */ #step = "";
  /** @type {Call | null} */ #call = null; // that the step is about
  /** @type {Medium} */ #medium = "video";
  /** @type {{ id: string, since: number } | null} */ #asking = null; // the server, to ring
  /** @type {HTMLElement | null} */ #before = null; // what had the focus
  #leaving = false; // for the room
  #chime = new Ring("sound", true); // whoever is rung hears it, unless they want silence

  /** @param {Ends} ends */
  constructor(ends) {
    this.ends = ends;
    this.place = /** @type {HTMLElement} */ (the("calling"));
    this.place.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("[data-do]");
      if (button) void this.#act(button.getAttribute("data-do") ?? "");
    });
    this.place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !["offer", "over", "callback", "done", "nobody"].includes(this.#step)) return;
      event.stopPropagation();
      this.#close();
    });
    the("calling-offer").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void this.#ring(event.submitter?.getAttribute("value") === "audio" ? "audio" : "video");
    });
    for (const field of FIELDS) the(`calling-${field}`).addEventListener("input", () => mark(`calling-${field}`));
    this.callBack = new CallBack(words, (said) => {
      keepMine("");
      void this.ends.look();
      this.#local = "done";
      this.#show();
      the("calling-text").textContent = said;
    });
    for (const field of FIELDS) the(`calling-${field}`).value = the(`ask-${field}`).value;
    the("callback-phone").value ||= given.phone ?? "";
    the("calling-back").addEventListener("click", () => {
      if (this.#there && AT) void this.#enter(null, this.#there);
      else if (this.#there) backToRoom(this.#there);
    });
    the("calling-room").addEventListener("click", (/** @type {Event} */ event) => {
      if (AT && this.#there) {
        event.preventDefault();
        return void this.#enter(null, this.#there);
      }
      keepMine("");
      setTimeout(() => this.#show());
    });
    setInterval(() => this.#tick(), 500);
  }

  /** Whether a call goes on, or is being asked for: no other is to be begun. */
  get on() {
    return this.#step !== "" || this.#there !== undefined;
  }

  /** @param {Call[]} calls all that there are now */
  heard(calls) {
    for (const was of this.#calls) {
      const now = calls.find((one) => one.call === was.call);
      if (standingOf(was) === "rung" && now && standingOf(now) === "over" && now.outcome !== "cancelled" && this.#isMine(now.call)) {
        this.#local = "over";
        this.#call = now;
      }
    }
    this.#calls = calls;
    this.#show();
  }

  /**
   * Ring, when everything that is needed is known; else ask for it first.
   * @param {Medium} medium
   */
  begin(medium) {
    if (this.ends.needed().length) this.offer(medium);
    else void this.#ring(medium);
  }

  /**
   * Offer a call: nothing rings before somebody has pressed a button.
   * @param {Medium} medium
   */
  offer(medium) {
    this.#medium = medium;
    this.#local = "offer";
    this.#show();
  }

  /**
   * The page's address asks for a call: offer it, as soon as it is known whether somebody is there.
   * @param {string} medium
   */
  wish(medium) {
    const { head, live } = this.ends;
    const known = () => {
      if (head.callable === null) return false;
      if (head.callable) this.offer(medium === "audio" ? "audio" : "video");
      else if (!this.on) this.nobody();
      return true;
    };
    if (known()) return;
    const deaf = live.on("presence", () => known() && deaf());
  }

  /** Say that nobody is there to be rung. */
  nobody() {
    this.#local = "nobody";
    this.#show();
  }

  // -- what is done -----------------------------------------------------------------------------------------------------

  /** @param {string} what */
  async #act(what) {
    const call = this.#call?.call;
    if (what === "close") this.#close();
    else if (what === "write") {
      this.#close();
      this.ends.write();
    } else if (what === "callback") {
      this.#local = "callback";
      this.#show();
    } else if (what === "back") {
      this.#local = "over";
      this.#show();
    } else if (!call) return; // it is only being asked for
    else if (what === "accept") {
      const opened = APART ? windowAhead() : null;
      const done = await this.#asked(`/calls/${call}/accept`);
      if (done) void this.#enter(opened, { call, room: done.room });
      else opened?.close();
    } else if (what === "decline" || what === "cancel") {
      if (what === "cancel") keepMine("");
      await this.#asked(`/calls/${call}/${what}`);
    }
  }

  /** @param {Medium} medium */
  async #ring(medium) {
    if (this.#asking) return;
    const who = this.#who();
    if (!who) return;
    const id = freshId();
    this.#medium = medium;
    this.#asking = { id, since: this.ends.now() };
    this.#show();
    // Who has the conversation is found by the server; for others it rings only when they were chosen.
    const adviser = this.ends.head.taken ? "" : this.ends.head.callee;
    const body = { id, medium, ...who, adviser, team: given.team, page: pageBefore(), language: document.documentElement.lang, zone };
    try {
      const { call, state } = await ask("/calls", body);
      keepMine(call);
      this.#local = state === "ended" ? "over" : "";
      const address = new URL(location.href);
      address.searchParams.delete("call"); // what it asked for is done, also after a reload
      history.replaceState(null, "", address);
      setTimeout(() => this.#settled(id), ANSWERED_IN); // the frame shows the ring
      if (this.#calls.some((one) => one.call === call)) this.#settled(id);
    } catch (error) {
      this.#asking = null;
      this.#refused(error);
    }
    this.#show();
  }

  /** @param {string} id of what was asked for, and is in the frame now */
  #settled(id) {
    if (this.#asking?.id !== id) return;
    this.#asking = null;
    this.#show();
  }

  /** Who rings, as far as it is asked for; null, and the first wrong field has the focus, when something is missing. */
  #who() {
    const needed = this.ends.needed();
    /** @type {Record<string, string>} */
    const who = {};
    /** @type {Record<string, string>} */
    const wrong = {};
    for (const field of FIELDS) {
      who[field] = needed.includes(field) ? the(`calling-${field}`).value.trim() : "";
      if (needed.includes(field) && !who[field]) wrong[field] = words.needed ?? "";
    }
    return this.#complain(wrong) ? null : who;
  }

  /** @param {Record<string, string>} wrong by field */
  #complain(wrong) {
    let first = true;
    for (const field of FIELDS) {
      mark(`calling-${field}`, wrong[field]);
      if (!wrong[field] || !first) continue;
      first = false;
      the(`calling-${field}`).focus();
    }
    return !first;
  }

  /** @param {unknown} error */
  #refused(error) {
    const { code = "", more = {} } = error instanceof Refusal ? error : {};
    if (code === "nobody" || code === "busy") {
      this.#local = "nobody";
      this.#call = null;
      this.#show();
      the("calling-title").textContent = failed(error);
    } else if (code === "calling") {
      keepMine(more.call ?? "");
      this.#local = "";
    } else {
      this.#local = "offer";
      this.#show();
      const fields = error instanceof Refusal ? error.errors : {};
      if (!this.#complain(fields)) the("calling-wrong").textContent = Object.values(fields)[0] ?? failed(error);
    }
  }

  /**
   * @param {string} address
   * @param {object} [body]
   * @returns {Promise<any>} what the server answers; undefined, and why is shown, when it refuses
   */
  async #asked(address, body = {}) {
    the("calling-wrong").textContent = "";
    try {
      return (await ask(address, body)) ?? {};
    } catch (error) {
      the("calling-wrong").textContent = failed(error);
      return undefined;
    }
  }

  // -- rooms ------------------------------------------------------------------------------------------------------------

  /** The call whose room they may enter now. */
  get #there() {
    return this.#calls.find((one) => one.room && ["open", "inside"].includes(standingOf(one)));
  }

  /** @param {string} call */
  #isMine(call) {
    return mine() === call;
  }

  /**
   * Go to the room: in this tab, or in this frame of another site's page, where a page of that site that is loaded next leads back there.
   * @param {Window | null} opened
   * @param {{ call: string, room: string }} call
   */
  async #enter(opened, call) {
    if (AT) {
      keepMine(call.call);
      return (await import("../shared/enter.js")).enter(call.room);
    }
    keepMine(APART && !showRoom(opened, call) ? call.call : ""); // who comes back from there is not sent away again
    if (APART) this.#show();
    else location.assign(call.room);
  }

  // -- what is shown ----------------------------------------------------------------------------------------------------

  #close() {
    this.#local = "";
    this.#call = null;
    this.#show();
  }

  #show() {
    const rings = this.#calls.find((one) => standingOf(one) === "rings");
    const rung = this.#calls.find((one) => standingOf(one) === "rung");
    const there = this.#there;
    if (this.#asking && rung && this.#isMine(rung.call)) this.#asking = null;
    if (rings || rung || there) this.#call = rings ?? rung ?? there ?? null;
    const follows = there && this.#isMine(there.call);
    /** @type {Step} */
    const step = rings ? "rings" : rung || this.#asking ? "rung" : follows ? "open" : this.#local;
    this.#draw(step);
    const bar = Boolean(there) && step !== "open";
    the("calling-bar").hidden = !bar;
    if (bar) the("calling-bar-text").textContent = filled(words.in_call, { name: there?.name || this.ends.head.name });
    if (follows && !APART && !this.#leaving) {
      this.#leaving = true;
      void this.#enter(null, there);
    }
    this.ends.drawn(rings ? filled(words.rings, { name: this.#name }) : "");
    this.#tick();
  }

  get #name() {
    return this.#call?.name || this.ends.head.name;
  }

  /** @param {Step} step */
  #draw(step) {
    const changed = step !== this.#step;
    this.#step = step;
    this.place.hidden = !step;
    this.place.dataset.step = step;
    const medium = step === "offer" || this.#asking ? this.#medium : (this.#call?.medium ?? this.#medium);
    this.place.dataset.medium = medium;
    const covers = step !== "" && step !== "rings"; // a ring at somebody who writes leaves them what they write in
    for (const one of the("chat").children) if (one !== this.place && !one.matches("header, dialog")) one.toggleAttribute("inert", covers);
    if (step && changed) {
      const over = step === "over" ? (this.#call?.outcome ?? "missed") : "";
      the("calling-title").textContent = filled(words[over ? `over_${over}` : step] ?? words.over_missed, { name: this.#name });
      the("calling-text").textContent = words[`${step}_text`] ?? words[`medium_${medium}`] ?? "";
      the("calling-wrong").textContent = "";
      for (const part of this.place.querySelectorAll("[data-steps]")) {
        /** @type {HTMLElement} */ (part).hidden = !part.getAttribute("data-steps")?.split(" ").includes(step);
      }
      const needed = this.ends.needed();
      for (const field of FIELDS) the(`calling-${field}`).closest("p").hidden = !needed.includes(field);
      the("calling-room").href = here(this.#call?.room ?? "");
      const book = document.getElementById("calling-book");
      if (book instanceof HTMLAnchorElement) book.href = the("book").href;
      for (const one of ["audio", "video"]) the(`calling-${one}`).classList.toggle("plain", one !== medium);
      the("calling-offer").querySelector(".row").prepend(the(`calling-${medium === "audio" ? "audio" : "video"}`)); // Enter presses the first
      if (step === "callback") this.callBack.prepare(this.#call?.call ?? "", this.ends.now());
    }
    if (changed) this.#focus(step);
  }

  /** @param {Step} step */
  #focus(step) {
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    if (!step) {
      if (!this.#before?.isConnected || this.#before.closest("[hidden], [inert]")) this.#before = the("message");
      if (!active || active === document.body || this.place.contains(active)) this.#before?.focus();
      this.#before = null;
      return;
    }
    if (!this.place.contains(active)) this.#before = active;
    const writes = active?.matches("input, textarea") && !active.closest("[inert]");
    if (step === "rings" && writes) return; // it is said, and what they write is theirs
    const first = step === "offer" ? this.place.querySelector("#calling-offer p:not([hidden]) input") : null;
    /** @type {HTMLElement} */ (first ?? the("calling-title")).focus();
  }

  #tick() {
    const since = this.#asking?.since ?? this.#call?.since ?? null;
    const timer = this.#step === "rung" && since !== null ? stopwatch(this.ends.now() - since) : "";
    if (the("calling-timer").textContent !== timer) the("calling-timer").textContent = timer;
    this.#chime.ring(this.#step === "rings" && this.ends.live.leads);
  }
}

