// What has not been read: counted in the title, told by a sound to those who want it, and marked once it has been seen.

import { isHeard } from "../shared/ledger.js";
import { remembered } from "../shared/remembered.js";
import { the, words } from "./page.js";

const SPOKEN = new Set(["text", "file"]);

export class Unread {
  #title = document.title;
  caller = ""; // that somebody calls, in words
  count = 0;
  /** @type {Promise<import("../shared/chime.js").Chime> | undefined} */ #chime;
  #on = remembered("sound") === "1";

  /** @param {import("../shared/live.js").Live} live */
  constructor(live) {
    this.live = live;
    const button = the("sound");
    const told = (/** @type {boolean} */ on) => (button.textContent = (on ? words.sound_on : words.sound_off) ?? "");
    button.addEventListener("click", async () => told((this.#on = (await this.#fetched()).toggle())));
    told(this.#on);
  }

  /**
   * Something was said.
   * @param {import("../shared/ledger.js").LiveEvent} event
   */
  said({ kind, by }) {
    if (SPOKEN.has(kind) && by !== this.live.by && !this.live.looks() && this.#on) void this.#fetched().then((chime) => chime.play());
  }

  /** Only who wants to hear it needs it. */
  #fetched() {
    return (this.#chime ??= import("../shared/chime.js").then(({ Chime }) => new Chime("sound")));
  }

  /**
   * See what there is; `reading` whether it is on the screen.
   * @param {string} c
   * @param {boolean} reading
   */
  look(c, reading) {
    const ledger = this.live.ledger(c);
    const last = ledger.lastHeard(this.live.by);
    if (last) this.live.mark(c, reading ? "seen" : "got", last);
    const { seen } = ledger.marks.customer;
    const count = reading ? 0 : ledger.events.filter((one) => one.seq > seen && isHeard(one, this.live.by)).length;
    this.count = count;
    document.title = this.caller || (count ? `(${count}) ${this.#title}` : this.#title);
  }
}
