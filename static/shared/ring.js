// A ring: the chime, again and again. Fetched by who may be rung.

import { Chime } from "./chime.js";

const PAUSE = 2; // seconds from one to the next
const RINGS = 20; // of them: longer than anybody lets it ring

export class Ring extends Chime {
  /** @type {OscillatorNode[]} */ #ringing = [];

  toggle() {
    this.ring(false);
    return super.toggle();
  }

  /**
   * Ring, or be silent again. All of it is planned at once: in a page that nobody looks at, timers come late.
   * @param {boolean} on
   */
  ring(on) {
    if (!on) for (const tone of this.#ringing.splice(0)) tone.stop();
    else if (this.on && !this.#ringing.length) {
      for (let n = 0; n < RINGS; n++) this.#ringing.push(...this.tones(n * PAUSE), ...this.tones(n * PAUSE + 0.3));
    }
  }
}
