// The engine of a call: the room's connection, the connection to the other side's browser, and what to do when either fails.
//
//   const call = new Call({ uid, pass: async () => (await post(urls.pass)) });
//   call.on("room", (room) => ...);             who is there, what may be done
//   call.on("remote", ({ kind, stream }) => ...);  put it into an <audio> or <video>; mic, cam and screen come once a generation
//   call.start();
//   call.set("mic", track); call.set("cam", track); call.set("screen", track | null);   at any time
//   call.ready();                               the devices have been looked at, or there are none
//
// The page asks for devices (devices.js), shows, and lets people choose; it never touches the RTCPeerConnection.

import { Listeners } from "./listeners.js";
import { Signal } from "./signal.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {import("./signal.js").Media} Media
 * @typedef {"mic" | "cam" | "screen"} Kind
 * @typedef {"none" | "connecting" | "connected" | "reconnecting" | "text"} Link
 *   none: not yet, or no more; connecting: for the first time; reconnecting: what was there is being mended;
 *   text: given up: they go on in writing, until `again()`
 * @typedef {{ signal: "connecting" | "open" | "waiting" | "ended", link: Link }} State
 *   `signal` waiting: the way to the server is broken (show it after two seconds), the call may well go on
 * @typedef {{ on: boolean, by: "" | "hand" | "link" | "other" | "ladder" }} Pictures whether pictures are sent and shown, and who turned them off:
 *   this person, the poor connection, the other side, or a connection that could only be had without
 * @typedef {{
 *   level: 0 | 1 | 2 | 3, relayed: boolean | null, rtt: number | null, loss: number | null, up: number, down: number,
 *   frames: number | null,
 * }} Quality level 0 bad to 3 good; rtt in milliseconds; loss a share of 1, the worse direction; up and down in bits a second; frames of the other's a second
 * @typedef {{
 *   room: Room, state: State, theirs: Media, remote: { kind: Kind, stream: MediaStream },
 *   pictures: Pictures, quality: Quality, said: { text: string, final: boolean }, bye: { why: import("./signal.js").Why },
 *   ended: Room,
 * }} Heard
 *   theirs: what the other side sends now; remote: a stream of theirs, again for every generation; said: a caption of theirs;
 *   bye: this page's part is over for good; ended: the room has ended
 */

/** @extends {Listeners<Heard>} */
export class Call extends Listeners {
  /** @type {Room | null} */ room = null;
  /** @type {State} */ state = { signal: "connecting", link: "none" };
  /** @type {Media} */ theirs = { mic: false, cam: false, screen: false, audio_only: false };
  /** @type {Media} */ ours = { mic: false, cam: false, screen: false, audio_only: false };
  /** @type {Pictures} */ pictures = { on: true, by: "" };
  /** @type {Partial<Record<Kind, MediaStream>>} */ remote = {};

  /** @param {{ uid: string, pass: () => Promise<import("../shared/link.js").Pass>, inst?: string, doors?: import("./signal.js").PageDoors }} options */
  constructor({ uid, pass, inst, doors }) {
    super();
    this.signal = new Signal({ call: uid, pass, inst, doors });
  }

  /** Enter the room. */
  start() {
    this.signal.start();
  }

  /** Leave the page; the place becomes free. */
  stop() {
    this.signal.stop();
  }

  /** The devices have been looked at: the call may begin. */
  ready(on = true) {
    this.signal.ready(on);
  }

  admit() {
    this.signal.admit();
  }

  /** @param {string} text */
  hold(text = "") {
    this.signal.hold(text);
  }

  /** @param {string} text */
  reject(text = "") {
    this.signal.reject(text);
  }

  /** End it for both (the adviser), or leave it and perhaps come back (the customer). */
  finish() {
    this.signal.finish();
  }

  /**
   * What is sent from now on; null: nothing. The track stays the page's, which stops it.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  set(kind, track) {
    void kind;
    void track;
  }

  /** Silence the microphone, or not; the track stays. @param {boolean} on */
  mute(on) {
    void on;
  }

  get muted() {
    return false;
  }

  /** Without pictures both ways, chosen by hand; false: with pictures again, whatever turned them off. @param {boolean} on */
  audioOnly(on) {
    void on;
  }

  /** After "text": try once more to connect. */
  again() {}

  /** A caption of one's own words, straight to the other browser. @param {string} text @param {boolean} final */
  say(text, final) {
    void text;
    void final;
  }

  /** Tell the operator's figures why this side has no device. @param {"permission" | "no_device" | "device_busy" | "browser"} failure */
  failed(failure) {
    void failure;
  }
}
