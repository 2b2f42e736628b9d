// Two quiet notes, for who wants them: only once somebody has asked for them, where nothing else is said; kept in mind for the next
// visit. A ring repeats them.

import { remember, remembered } from "./remembered.js";

const NOTES = [659.3, 880]; // hertz
const PAUSE = 2; // seconds from one ring to the next
const RINGS = 20; // of them: longer than anybody lets it ring

export class Chime {
  /** @type {AudioContext | null} */ #audio = null;
  /** @type {OscillatorNode[]} */ #ringing = [];

  /**
   * @param {string} name under which the choice is remembered
   * @param {boolean} standard what it is until somebody has chosen
   */
  constructor(name, standard = false) {
    this.name = name;
    this.on = (remembered(name) || (standard ? "1" : "0")) === "1";
  }

  /** @returns {boolean} whether it is on now */
  toggle() {
    this.on = !this.on;
    remember(this.name, this.on ? "1" : "0");
    if (this.on) this.play(); // so they hear what they have chosen
    else this.ring(false);
    return this.on;
  }

  /**
   * Ring, or be silent again. All of it is planned at once: in a page that nobody looks at, timers come late.
   * @param {boolean} on
   */
  ring(on) {
    if (!on) for (const tone of this.#ringing.splice(0)) tone.stop();
    else if (this.on && !this.#ringing.length) {
      for (let n = 0; n < RINGS; n++) this.#ringing.push(...this.#tones(n * PAUSE), ...this.#tones(n * PAUSE + 0.3));
    }
  }

  play() {
    if (this.on) this.#tones(0);
  }

  /**
   * @param {number} later seconds until they are heard
   * @returns {OscillatorNode[]}
   */
  #tones(later) {
    const audio = (this.#audio ??= new AudioContext());
    void audio.resume();
    return NOTES.map((pitch, order) => {
      const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
      const from = audio.currentTime + later + order * 0.12;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0, from);
      loudness.gain.linearRampToValueAtTime(0.08, from + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
      tone.connect(loudness).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.5);
      return tone;
    });
  }
}
