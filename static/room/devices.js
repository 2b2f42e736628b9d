// Microphone, camera, speaker, screen: asked for apart from each other, so that one that is refused does not lose the others.

import { Listeners } from "./listeners.js";

/**
 * @typedef {"mic" | "cam"} Kind
 * @typedef {"denied" | "dismissed" | "system" | "policy" | "none" | "busy" | "unfit" | "insecure" | "unsupported" | "failed"} Code
 *   why a device could not be had. denied: this person said no (now or earlier), the browser does not ask again; dismissed: the question was closed, it may be
 *   asked again; system: the operating system forbids it to the browser; policy: the page around ours does; none: there is no such
 *   device (normal, no warning); busy: another program has it; unfit: none fits; insecure: no https; unsupported: this browser cannot; failed: anything else
 * @typedef {{ id: string, name: string }} Device `name` is "" until permission has been given
 * @typedef {{ mic: Device[], cam: Device[], speaker: Device[] }} Lists
 * @typedef {{
 *   track: { kind: Kind, track: MediaStreamTrack | null, why: "opened" | "closed" | "switched" | "lost" },
 *   problem: { kind: Kind, code: Code | "" },
 *   lists: Lists,
 *   permission: { kind: Kind, state: PermissionState },
 *   level: number,
 * }} Heard
 *   track: another one is used from now on: give it to `Call.set`; problem: "" when it is over; permission: it was changed in the browser:
 *   when it is "granted" and the page wants the device, open it; level: of the microphone, 0 to 1, ten times a second
 */

/** @extends {Listeners<Heard>} */
export class Devices extends Listeners {
  /** @type {Record<Kind, MediaStreamTrack | null>} */ tracks = { mic: null, cam: null };
  /** @type {Record<Kind, Code | "">} */ problems = { mic: "", cam: "" };
  /** @type {Lists} */ lists = { mic: [], cam: [], speaker: [] };
  /** @type {Record<Kind | "speaker", string>} */ chosen = { mic: "", cam: "", speaker: "" };

  /** Find out what there is, without asking for anything; from then on `lists` and `permission` are told. @returns {Promise<Record<Kind, boolean>>} whether there is a microphone, a camera */
  async look() {
    return { mic: false, cam: false };
  }

  /** Use the chosen device of a kind, else the browser's; a problem is told and kept, not thrown. @param {Kind} kind @returns {Promise<MediaStreamTrack | null>} */
  async open(kind) {
    return this.tracks[kind];
  }

  /** Let it go, light off. @param {Kind} kind */
  close(kind) {
    void kind;
  }

  /** Another device, kept for the next visit; what is open is switched. @param {Kind | "speaker"} kind @param {string} id */
  async choose(kind, id) {
    void kind;
    void id;
  }

  /** Whether the camera can blur what is behind; null while there is none. @returns {boolean | null} whether it does now */
  get blurred() {
    return null;
  }

  /** @param {boolean} on */
  async blur(on) {
    void on;
  }

  /** Let go of everything. */
  stop() {}
}

/** Whether sound can be sent to a chosen speaker here. */
export const canChooseSpeaker = () => "setSinkId" in HTMLMediaElement.prototype;

/** Send an element's sound to a speaker ("" is the browser's). @param {HTMLMediaElement} element @param {string} id @returns {Promise<boolean>} whether it does */
export async function toSpeaker(element, id) {
  void element;
  void id;
  return false;
}

/** Two notes through a speaker, to ask "did you hear it?". @param {string} id */
export async function testSound(id) {
  void id;
}

/** Whether this browser can share a screen (phones cannot). */
export const canShare = () => !!navigator.mediaDevices?.getDisplayMedia;

/**
 * Ask for a screen, window or tab. `ended` is called when the person stops it from the browser's own bar.
 * @param {() => void} ended
 * @returns {Promise<MediaStreamTrack | Code>}
 */
export async function shareScreen(ended) {
  void ended;
  return "dismissed";
}
