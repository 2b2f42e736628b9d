// Two quiet notes: only once somebody has asked for them, and kept in mind for the next visit.

import { remember, remembered } from "./remembered.js";

const NOTES = [659.3, 880]; // hertz

export class Chime {
  /** @type {AudioContext | null} */ #audio = null;

  /** @param {string} name under which the choice is remembered */
  constructor(name) {
    this.name = name;
    this.on = remembered(name) === "1";
  }

  /** @returns {boolean} whether it is on now */
  toggle() {
    this.on = !this.on;
    remember(this.name, this.on ? "1" : "0");
    if (this.on) this.play(); // so they hear what they have chosen
    return this.on;
  }

  play() {
    if (!this.on) return;
    this.#audio ??= new AudioContext();
    const { currentTime, destination } = this.#audio;
    void this.#audio.resume();
    for (const [order, pitch] of NOTES.entries()) {
      const [tone, loudness] = [this.#audio.createOscillator(), this.#audio.createGain()];
      const from = currentTime + order * 0.12;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0, from);
      loudness.gain.linearRampToValueAtTime(0.08, from + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.5);
      tone.connect(loudness).connect(destination);
      tone.start(from);
      tone.stop(from + 0.5);
    }
  }
}
