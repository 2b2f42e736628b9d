// Two quiet notes, for who wants them: only once somebody has asked for them, where nothing else is said; kept in mind for the next
// visit. A ring repeats them.

import { remember, remembered } from "./remembered.js";

const NOTES = [659.3, 880]; // hertz

export class Chime {
  /** @type {AudioContext | null} */ #audio = null;

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
    return this.on;
  }

  play() {
    if (this.on) this.tones(0);
  }

  /**
   * @param {number} later seconds until they are heard
   * @returns {OscillatorNode[]}
   */
  tones(later) {
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
