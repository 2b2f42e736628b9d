// Calls at the dashboard: what rings, who waits or is late, whom one rings, and the way back into a room. Everything is drawn from
// the latest frame `calls`; nothing here remembers more than what that said.

import { backToRoom, showRoom, standingOf, stopwatch, windowAhead } from "../shared/calls.js";
import { freshId } from "../shared/ids.js";
import { element, icon } from "../shared/text.js";
import { clock } from "../shared/time.js";
import { ringing } from "./alerts.js";
import { Answer } from "./answer.js";
import { button, ME, place, post, Refusal, say, serverTime, write } from "./page.js";
import { inOwnWords, shortPage } from "./telling.js";
import { attempt, complain, toast } from "./toasts.js";

/**
 * @typedef {import("../shared/calls.js").Call} Call
 * @typedef {import("../shared/calls.js").Standing} Standing
 * @typedef {{ node: HTMLElement, timer: HTMLElement, of: string }} Shown `of`: what its nodes were made from
 * @typedef {{ title: string, text: string, tag: string, c: string, silent: boolean }} News `silent`: it has a sound of its own, or needs none
 * @typedef {{ leads: () => boolean, tell: (news: News) => void, changed: () => void, open: (c: string) => void }} Ends
 */

const MEDIA = /** @type {const} */ (["audio", "video"]);
const TIMED = new Set(["waits", "held", "late", "rung"]);
const LISTED = new Set([...TIMED, "open", "inside"]);

export class Calls {
  /** @type {Map<string, Call>} */ #calls = new Map();
  /** @type {Map<string, Shown>} */ #rings = new Map();
  /** @type {Map<string, Shown>} */ #lines = new Map();
  /** @type {Set<string>} */ #busy = new Set(); // what an answer is awaited for
  /** @type {import("./rows.js").Row | null} */ #row = null;

  /** @param {Ends} ends */
  constructor(ends) {
    this.ends = ends;
    this.answer = new Answer((call, what, text) => void this.#do(call, what, { text }));
    setInterval(() => this.#tick(), 500);
    for (const medium of MEDIA) button(`ring-${medium}`).addEventListener("click", () => void this.ring(medium));
  }

  /** @param {Call[]} calls all that there are now */
  show(calls) {
    const before = this.#calls;
    this.#calls = new Map(calls.map((one) => [keyOf(one), one]));
    for (const [key, one] of before) this.#became(one, this.#calls.get(key));
    for (const [key, one] of this.#calls) if (standingOf(one) !== was(before.get(key))) this.#came(one);
    this.#keep(this.#rings, calls.filter((one) => standingOf(one) === "rings" && !this.#late(one)), place("rings"), (one) => this.#card(one));
    this.#keep(this.#lines, calls.filter((one) => LISTED.has(standingOf(one))), place("calls"), (one) => this.#line(one));
    place("calls").hidden = !this.#lines.size;
    this.#tick();
    this.beside(this.#row);
    this.ends.changed();
  }

  // -- what rings -----------------------------------------------------------------------------------------------------------

  get count() {
    return this.#rings.size + [...this.#calls.values()].filter((one) => standingOf(one) === "waits").length;
  }

  /** What rings first, else who waits first; "" for nobody. */
  get first() {
    return this.#rings.keys().next().value ?? "";
  }

  get waiting() {
    return [...this.#calls.values()].find((one) => standingOf(one) === "waits")?.call ?? "";
  }

  /** Whose ring is to be in the title. */
  get caller() {
    return this.#calls.get(this.first)?.name ?? "";
  }

  /** @param {Call} one */
  #late({ until }) {
    return until !== null && until <= serverTime();
  }

  /**
   * Keep what is shown level with what is there: only what differs is made anew, so that the focus stays where it is.
   * @param {Map<string, Shown>} shown
   * @param {Call[]} calls
   * @param {HTMLElement} list
   * @param {(one: Call) => { node: HTMLElement, timer: HTMLElement }} made
   */
  #keep(shown, calls, list, made) {
    const wanted = new Set(calls.map(keyOf));
    for (const [key, { node }] of shown) {
      if (wanted.has(key)) continue;
      gone(node);
      shown.delete(key);
    }
    for (const one of calls) {
      const of = JSON.stringify(one);
      const known = shown.get(keyOf(one));
      if (known?.of === of) continue;
      const fresh = { ...made(one), of };
      const had = known?.node.contains(document.activeElement) && document.activeElement?.getAttribute("data-do");
      if (known) known.node.replaceWith(fresh.node);
      else list.append(fresh.node);
      if (had) /** @type {HTMLElement | null} */ (fresh.node.querySelector(`[data-do="${had}"]`) ?? fresh.node.querySelector("button"))?.focus();
      shown.set(keyOf(one), fresh);
    }
  }

  /** @param {Call} one that rings at us */
  #card(one) {
    const { call, name, medium, page, verified, c } = one;
    const timer = element("span", { class: "ring-left", "aria-hidden": "true" });
    const title = element("p", { class: "ring-head" }, element("b", {}, say(`ring_${medium}`)), timer);
    const vouched = element("p", { class: verified ? "vouched good" : "vouched" }, icon(verified ? "shield" : "person"), say(verified ? "verified" : "not_verified"));
    const who = element("div", { class: "ring-who" }, element("span", { class: "ring-sign", "aria-hidden": "true" }, icon(medium)), element("div", {}, element("p", { class: "ring-name" }, name || say("no_name")), vouched));
    const from = page ? [element("p", { class: "ring-page" }, say("rings_from", { page: shortPage(page) }))] : [];
    const talk = c ? [this.#act("open", say("see_conversation"), () => this.ends.open(c))] : [];
    const row = element("p", { class: "row" }, this.#act("accept", say("accept_call"), () => void this.accept(call), "a"), this.#act("decline", say("decline_call"), () => void this.#do(call, "decline"), "d"), ...talk);
    const node = element("div", { class: "ring", tabindex: "-1", role: "group", "aria-label": say("rings", { name: name || say("no_name") }) }, title, who, ...from, row);
    // Whoever does nothing else finds the focus there; whoever writes or is about to press something goes on.
    queueMicrotask(() => document.activeElement === document.body && node.focus());
    return { node, timer };
  }

  /** @param {Call} one */
  #line(one) {
    const { call, name, medium, service, starts_at, appointment, c } = one;
    const standing = standingOf(one);
    const timer = element("span", { class: "call-timer" });
    const what = [inOwnWords(service), starts_at && clock(starts_at)].filter(Boolean).join(", ");
    const words = standing === "inside" && one.state !== "admitted" ? "call_room" : `call_${standing}`;
    const text = element("p", { class: "call-text" }, element("span", {}, say(words, { name: name || say("no_name"), call: say(`medium_${medium}`) })), timer, ...(what ? [element("small", {}, what)] : []));
    /** @type {Record<string, () => HTMLElement[]>} */
    const acts = {
      waits: () => [this.#act("admit", say("let_in"), () => void this.admit(call), "l"), this.#act("hold", say("ask_to_wait"), () => this.answer.open(one, "hold")), this.#act("reject", say("turn_away"), () => this.answer.open(one, "reject"))],
      held: () => [this.#act("admit", say("let_in"), () => void this.admit(call)), this.#act("reject", say("turn_away"), () => this.answer.open(one, "reject"))],
      late: () => [link(`/agenda/appointments/${appointment}/room`, say("to_room")), link(`/agenda/appointments/${appointment}`, say("mark_it"))],
      rung: () => [this.#act("cancel", say("cancel_call"), () => void this.#do(call, "cancel"))],
      open: () => [this.#act("back", say("join_call"), () => backToRoom(one))],
      inside: () => [this.#act("back", say("back_to_call"), () => backToRoom(one))],
    };
    const buttons = acts[standing]?.() ?? [];
    if (c && standing !== "rung") buttons.push(this.#act("open", say("see_conversation"), () => this.ends.open(c)));
    const sign = { waits: "waiting", held: "waiting", late: "clock" }[/** @type {string} */ (standing)] ?? medium;
    const node = element("div", { class: "call-line", "data-standing": standing }, icon(sign), text, element("p", { class: "row" }, ...buttons));
    return { node, timer };
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {() => void} act
   * @param {string} [key] that does the same
   */
  #act(name, label, act, key) {
    const primary = ["accept", "admit", "back"].includes(name);
    const one = element("button", { type: "button", class: `small-button${primary ? " primary" : ""}`, "data-do": name }, label);
    if (key) one.append(element("kbd", { "aria-hidden": "true" }, key));
    one.addEventListener("click", act);
    return one;
  }

  #tick() {
    const now = serverTime();
    for (const [key, { node, timer }] of this.#rings) {
      const { until, since } = /** @type {Call} */ (this.#calls.get(key));
      if (until === null) continue;
      write(timer, say("offer_left", { seconds: Math.max(0, Math.ceil((until - now) / 1000)) }));
      node.style.setProperty("--left", String(Math.max(0, (until - now) / (until - (since ?? until - 30_000)))));
      if (until > now) continue;
      gone(node); // the server's word follows
      this.#rings.delete(key);
    }
    for (const [key, { timer }] of this.#lines) {
      const one = /** @type {Call} */ (this.#calls.get(key));
      const from = standingOf(one) === "late" ? one.starts_at : one.since;
      write(timer, from && TIMED.has(standingOf(one)) ? stopwatch(now - from) : "");
    }
    ringing(this.ends.leads() && this.#rings.size > 0);
  }

  // -- what changes ---------------------------------------------------------------------------------------------------------

  /**
   * A call has another standing than before: somebody who looks elsewhere is called.
   * @param {Call} one
   */
  #came(one) {
    const { medium, c, service } = one;
    const standing = standingOf(one);
    const name = one.name || say("no_name");
    /** @type {Record<string, { title: string, text: string, silent: boolean }>} */
    const news = {
      rings: { title: say("rings", { name }), text: say(`ring_${medium}`), silent: true },
      waits: { title: say("call_waits", { name }), text: inOwnWords(service), silent: false },
      late: { title: say("call_late", { name }), text: inOwnWords(service), silent: true },
    };
    const told = news[standing];
    if (!told) return;
    this.ends.tell({ ...told, tag: keyOf(one), c });
    if (standing !== "rings") write(place("calls-said"), `${told.title}. ${told.text}`); // what rings is said where it rings
  }

  /**
   * Say what became of a ring.
   * @param {Call} was
   * @param {Call | undefined} now
   */
  #became(was, now) {
    const before = standingOf(was);
    if ((before !== "rings" && before !== "rung") || !now) return;
    const name = was.name || say("no_name");
    const standing = standingOf(now);
    const see = now.c ? { label: say("see_conversation"), run: () => this.ends.open(now.c) } : undefined;
    if (before === "rung" && standing === "open") toast(say("answered", { name }), { act: { label: say("join_call"), run: () => backToRoom(now) } });
    else if (standing === "over" && before === "rung" && now.outcome !== "cancelled") toast(say(`rung_${now.outcome}`, { name }) || say("rung_missed", { name }));
    else if (standing === "over" && before === "rings" && now.outcome === "missed") toast(say("rings_missed", { name }), { act: see });
    else if (standing === "over" && before === "rings" && now.outcome === "cancelled") toast(say("rings_cancelled", { name }), { act: see });
  }

  // -- what is done ---------------------------------------------------------------------------------------------------------

  /** @param {string} call that rings */
  accept(call) {
    return this.#enter(call, "accept");
  }

  /** @param {string} call whose customer waits */
  admit(call) {
    return this.#enter(call, "admit");
  }

  /** @param {string} call that rings */
  decline(call) {
    return this.#do(call, "decline");
  }

  /**
   * Ring the customer of the open conversation.
   * @param {"audio" | "video"} medium
   */
  async ring(medium) {
    const row = this.#row;
    if (!row || !this.#mayRing(row)) return;
    const opened = windowAhead();
    this.#shown(opened, await this.#asked(opened, post("/desk/calls", { c: row.c, medium, id: freshId() })));
  }

  /**
   * @param {string} call
   * @param {"accept" | "admit"} how
   */
  async #enter(call, how) {
    if (this.#busy.has(call)) return;
    this.#busy.add(call);
    const opened = windowAhead();
    const done = await this.#asked(opened, post(`/desk/calls/${call}/${how}`));
    this.#busy.delete(call);
    this.#shown(opened, done && { call, ...done });
  }

  /**
   * What the server answers; its refusal is said, and the window that was opened for it is closed.
   * @param {Window | null} opened
   * @param {Promise<any>} asking
   */
  async #asked(opened, asking) {
    try {
      return await asking;
    } catch (error) {
      opened?.close();
      if (error instanceof Refusal && error.status === 409) toast(error.message); // somebody was faster, or it is over
      else complain(error);
      return undefined;
    }
  }

  /**
   * @param {Window | null} opened
   * @param {{ call: string, room: string } | undefined} done
   */
  #shown(opened, done) {
    if (!done || showRoom(opened, done)) return;
    toast(say("window_blocked"), { act: { label: say("to_room"), run: () => backToRoom(done) } });
  }

  /**
   * @param {string} call
   * @param {"decline" | "cancel" | "hold" | "reject"} what
   * @param {object} [body]
   */
  async #do(call, what, body = {}) {
    if (this.#busy.has(call)) return;
    this.#busy.add(call);
    await attempt(post(`/desk/calls/${call}/${what}`, body));
    this.#busy.delete(call);
  }

  // -- beside a conversation ------------------------------------------------------------------------------------------------

  /** @param {import("./rows.js").Row} row */
  #mayRing(row) {
    const on = [...this.#calls.values()].some((one) => one.c === row.c && !["over", "late"].includes(standingOf(one)));
    return row.customer.here && row.state !== "closed" && row.adviser?.id === ME.id && !on;
  }

  /** @param {import("./rows.js").Row | null} row of the conversation that is open */
  beside(row) {
    this.#row = row;
    for (const medium of MEDIA) button(`ring-${medium}`).hidden = !row || !this.#mayRing(row);
  }
}

/** @param {HTMLElement} node that is over; the focus stays in the page */
function gone(node) {
  const had = node.contains(document.activeElement);
  node.remove();
  if (had) place("talk").focus({ preventScroll: true });
}

/** An appointment whose room nobody has opened yet has no call. */
const keyOf = (/** @type {Call} */ { call, room }) => call || room;

/**
 * @param {Call | undefined} call
 * @returns {Standing | ""}
 */
const was = (call) => (call ? standingOf(call) : "");

/**
 * @param {string} href
 * @param {string} label
 */
const link = (href, label) => element("a", { class: "small-button", href, target: "_blank", rel: "noopener" }, label);
