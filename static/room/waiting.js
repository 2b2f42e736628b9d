// Before anybody is let in: to the customer, whether the adviser is there and for how long they wait; to the adviser, who has come.

import { element } from "../shared/text.js";
import { clock, inWords } from "../shared/time.js";
import { announce, customer, given, say, serverTime, tell, the, write } from "./page.js";
import { standing } from "./standing.js";

/** @typedef {import("./signal.js").Room} Room */

export class Waiting {
  #since = Date.now();
  #title = "";
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
    const words = say(title, { name, time: room.starts_at ? clock(room.starts_at) : "" });
    if (this.#title && this.#title !== words) announce(words);
    write(the("waiting-title"), (this.#title = words));
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
