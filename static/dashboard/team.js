// Oneself and the colleagues: who is there, how others see it, what each carries, and what comes next.

import { element } from "../shared/text.js";
import { appointment } from "./about.js";
import { nameOf } from "./inbox.js";
import { ago, field, get, ME, place, post, say, serverTime, setServerTime, write } from "./page.js";
import { attempt } from "./toasts.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ id: number, slug: string, name: string, languages: string[], teams: string[], state: string, wish: string, load: number, capacity: number }} Colleague
 * @typedef {{ slug: string, name: Record<string, string> }} Group
 * @typedef {{ node: HTMLElement, update: (one: Colleague, talks: Row[]) => void }} Shown
 */

const SOON = 1_000; // milliseconds in which several changes are one look
const APART = 5_000; // milliseconds between two looks: every dashboard of the house hears of every change
const OFTEN = 30_000; // milliseconds between looks when nothing is heard
const WATCHED = 50; // whose presence is pushed; the others' is looked for

export class Team {
  /** @type {Map<number, Colleague>} */ people = new Map();
  /** @type {Group[]} */ groups = [];
  /** @type {{ waiting: number, waiting_since: number | null }} */ load = { waiting: 0, waiting_since: null };
  /** @type {Map<number, Shown>} */ #shown = new Map();
  /** @type {number | undefined} */ #soon;
  /** @type {Row[]} */ #talks = [];
  #watched = "";
  #lookedAt = -Infinity;
  /** @type {Map<string, { state: string, at: number }>} */ #heard = new Map();

  /**
   * @param {import("../shared/live.js").Live} live
   * @param {() => void} changed
   */
  constructor(live, changed) {
    this.live = live;
    this.changed = changed;
    live.on("presence", ({ what, state }) => {
      this.#heard.set(what, { state, at: performance.now() });
      const one = [...this.people.values()].find(({ slug }) => what === `adviser:${slug}`);
      if (!one || one.state === state) return;
      one.state = state;
      this.#render();
      this.soon();
    });
    for (const id of ["wish", "capacity"]) field(id).addEventListener("change", () => void this.#wish());
    place("me").addEventListener("submit", (event) => event.preventDefault());
    setInterval(() => document.visibilityState === "visible" && this.soon(), OFTEN);
    setInterval(() => this.#render(), 5_000);
  }

  /** Look again in a moment. */
  soon() {
    this.#soon ??= setTimeout(
      () => {
        this.#soon = undefined;
        void this.look();
      },
      Math.max(SOON, this.#lookedAt + APART - performance.now()),
    );
  }

  async look() {
    const began = (this.#lookedAt = performance.now());
    const found = await get("/desk/roster").catch(() => null);
    if (!found) return; // the connection's own state tells that
    setServerTime(found.now);
    this.people = new Map(found.advisers.map((/** @type {Colleague} */ one) => [one.id, one]));
    for (const one of this.people.values()) {
      const heard = this.#heard.get(`adviser:${one.slug}`);
      if (heard && heard.at > began) one.state = heard.state; // what was pushed meanwhile is newer than the answer
    }
    this.groups = found.teams;
    this.load = found.load;
    ME.teams = new Set(this.people.get(ME.id)?.teams);
    this.#watch();
    this.#render();
    this.changed();
  }

  #watch() {
    const others = [...this.people.values()].filter(({ id }) => id !== ME.id);
    const near = others.sort((a, b) => Number(b.teams.some((one) => ME.teams.has(one))) - Number(a.teams.some((one) => ME.teams.has(one))));
    const what = [ME.slug, ...near.map(({ slug }) => slug)].slice(0, WATCHED).map((slug) => `adviser:${slug}`);
    if (what.join() === this.#watched) return;
    this.#watched = what.join();
    this.live.watch(what);
  }

  async #wish() {
    const mine = await attempt(post("/desk/presence", { wish: field("wish").value, capacity: Number(field("capacity").value) }));
    const me = this.people.get(ME.id);
    if (mine && me) Object.assign(me, mine);
    this.#render();
  }

  async next() {
    const found = await get("/desk/today").catch(() => null);
    if (!found) return;
    const items = found.appointments.map((/** @type {any} */ one) => {
      const item = appointment(one);
      item.append(element("small", { class: "quiet" }, ` ${one.customer}`));
      return item;
    });
    place("next").replaceChildren(...(items.length ? items : [element("li", { class: "quiet" }, say("next_none"))]));
  }

  /** @param {string} by "adviser:ID" */
  name(by) {
    return this.people.get(Number(by.split(":")[1]))?.name ?? say("somebody");
  }

  /** @param {Row[]} talks conversations that somebody has now; supervisors see who talks to whom */
  show(talks) {
    this.#talks = talks;
    this.#render();
  }

  #render() {
    const me = this.people.get(ME.id);
    if (!me) return;
    place("my-dot").dataset.state = me.state;
    write(place("my-state"), myState(me));
    place("my-state").title = myState(me);
    if (document.activeElement !== field("wish")) field("wish").value = me.wish;
    if (document.activeElement !== field("capacity") && me.capacity) {
      if (me.capacity > 10 && !field("capacity").querySelector(`[value="${me.capacity}"]`)) place("capacity").append(element("option", { value: String(me.capacity) }, String(me.capacity)));
      field("capacity").value = String(me.capacity);
    }
    const { waiting, waiting_since } = this.load;
    const waits = serverTime() - (waiting_since ?? serverTime());
    write(place("load"), waiting ? say(waits < 60_000 ? "waiting_new" : "waiting_some", { count: waiting, time: ago(waiting_since ?? 0) }) : say("waiting_none"));
    place("load").classList.toggle("busy", waiting > 0);
    const others = [...this.people.values()].filter(({ id }) => id !== ME.id);
    const known = new Set(others.map(({ id }) => id));
    for (const [id, { node }] of this.#shown) {
      if (known.has(id)) continue;
      node.remove();
      this.#shown.delete(id);
    }
    for (const [at, one] of others.entries()) {
      const shown = this.#shown.get(one.id) ?? made();
      this.#shown.set(one.id, shown);
      shown.update(one, this.#talks.filter((row) => row.adviser?.id === one.id));
      const there = place("colleagues").children[at];
      if (there !== shown.node) place("colleagues").insertBefore(shown.node, there ?? null);
    }
  }
}

/** @param {Colleague} me */
function myState({ state, wish, load, capacity }) {
  if (state === wish) return say("seen_as", { state: say(state) });
  if (state === "busy" && load >= capacity) return say("why_busy");
  return state === "away" ? say("why_away") : say("seen_as", { state: say(state) });
}

/** @returns {Shown} */
function made() {
  const [name, state, load] = [element("b"), element("small"), element("small", { class: "load" })];
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  const talks = element("ul", { class: "talks" });
  const node = element("li", { class: "colleague" }, dot, name, state, load);
  let listed = "";
  const update = (/** @type {Colleague} */ one, /** @type {Row[]} */ rows) => {
    dot.dataset.state = one.state;
    write(name, one.name);
    write(state, `${say(one.state)} · ${one.languages.join(", ")}`);
    write(load, say("load_of", { load: one.load, capacity: one.capacity }));
    if (!ME.supervisor || listed === (listed = JSON.stringify(rows.map((row) => [row.c, nameOf(row), row.unread])))) return;
    talks.replaceChildren(...rows.map((row) => element("li", { class: "one-line" }, element("a", { href: `#${row.c}`, "data-open": row.c }, nameOf(row)), ...(row.unread ? [" ", element("small", {}, say("unread"))] : []))));
    if (rows.length) node.append(talks);
    else talks.remove();
  };
  return { node, update };
}
