// How much time is left, and what to do when it ends: finish, add some, or meet again.

import { element } from "../shared/text.js";
import { clock } from "../shared/time.js";
import { failed } from "../chat/dialogs.js";
import { announce, customer, given, post, say, serverTime, tell, the, write } from "./page.js";
import { extensions } from "./standing.js";

/** @typedef {import("./signal.js").Room} Room */

const SHOWN = 60 * 60_000; // milliseconds before the end from which the time left is shown
const SOON = 5 * 60_000; // and from which it is warned
const FOLLOWS = 60 * 60_000; // within which what follows is worth a word

export class Clock {
  #known = 0; // the end whose warning was closed
  #offered = "";
  #proposed = false;

  constructor() {
    the("ending-known").addEventListener("click", () => {
      this.#known = Number(the("ending-soon").dataset.end);
      the("ending-soon").hidden = true;
      the("leave").focus();
    });
    if (customer) return;
    for (const id of ["propose", "menu-propose"]) the(id).addEventListener("click", () => void this.#propose());
  }

  /**
   * @param {Room} room
   * @param {boolean} talking
   */
  show(room, talking) {
    const { ends_at } = room;
    const left = ends_at === null ? Infinity : ends_at - serverTime();
    const shown = talking && left < SHOWN;
    tell("left", shown ? say(left > 0 ? "left" : "left_over", { time: minutes(Math.abs(left)) }) : "", "left-word");
    the("left").toggleAttribute("data-soon", left < SOON);
    const warned = talking && ends_at !== null && left < SOON && this.#known !== ends_at;
    the("ending-soon").hidden = !warned;
    if (!warned) return;
    the("ending-soon").dataset.end = String(ends_at);
    write(the("ending-word"), this.#words(room, left));
    if (!customer && ends_at !== null) this.#offer(extensions(room.extend), ends_at);
  }

  /**
   * @param {Room} room
   * @param {number} left
   */
  #words({ ends_at, next_at, peer }, left) {
    const ends = left > 0 ? say("ends_at", { time: clock(ends_at ?? 0), left: minutes(left) }) : say("ends_now");
    const follows = next_at !== null && next_at - (ends_at ?? 0) < FOLLOWS;
    if (customer) return follows ? `${ends} ${say("ends_customer_next", { name: peer.name, time: clock(next_at) })}` : ends;
    return `${ends} ${follows ? say("ends_next", { time: clock(next_at) }) : say("ends_free")}`;
  }

  /**
   * @param {number[]} steps
   * @param {number} ends_at
   */
  #offer(steps, ends_at) {
    const key = `${ends_at} ${steps.join()}`;
    if (key === this.#offered) return;
    this.#offered = key;
    const made = steps.map((count) => {
      const button = element("button", { type: "button", class: "button" }, say("extend", { count }));
      button.addEventListener("click", () => void this.#extend(count, ends_at));
      return button;
    });
    the("extensions").replaceChildren(...made);
  }

  /**
   * @param {number} count
   * @param {number} from the end that it is added to
   */
  async #extend(count, from) {
    try {
      const { ends_at } = await post(given.urls.extend, { minutes: count, ends_at: from });
      announce(say("extended", { time: clock(ends_at) }));
      the("leave").focus();
    } catch (error) {
      write(the("ending-word"), failed(error));
    }
  }

  async #propose() {
    if (this.#proposed) return announce(say("proposed", { name: given.peer }));
    try {
      await post(given.urls.propose);
      this.#proposed = true;
      announce(say("proposed", { name: given.peer }));
    } catch (error) {
      announce(failed(error));
    }
  }
}

/** @param {number} ms */
const minutes = (ms) => say("minutes", { count: Math.ceil(ms / 60_000) });
