// The room's own live connection: what the other side is told, and what the server says of the room.
//
// The server hears nothing before it has told the room. What is a state (ready, media) is said then, and again after every
// welcome. What is for this moment only (sdp, ice) waits a short while, as long as the room is still at the same generation.

import { address, pageDoors } from "../shared/doors.js";
import { freshId } from "../shared/ids.js";
import { Link } from "../shared/link.js";
import { Listeners } from "./listeners.js";

/**
 * @typedef {import("../shared/link.js").Frame} Frame
 * @typedef {import("../shared/link.js").Status} Status
 * @typedef {import("../shared/doors.js").PageDoors} PageDoors
 * @typedef {{ name: string, here: boolean, ready: boolean, since: number | null }} Other
 * @typedef {{
 *   t: "room", call: string, role: "adviser" | "customer",
 *   state: "ringing" | "waiting" | "held" | "admitted" | "ended", outcome: string, note: string,
 *   medium: "video" | "audio" | "text", gen: number, polite: boolean, peer: Other, presence: string, c: string,
 *   starts_at: number | null, ends_at: number | null, closes_at: number, next_at: number | null, extend: number, now: number,
 * }} Room instants in milliseconds
 * @typedef {{ mic: boolean, cam: boolean, screen: boolean, audio_only: boolean }} Media
 * @typedef {{ ice_servers: RTCIceServer[], until: number, relay_only: boolean }} Turn
 * @typedef {"taken-over" | "gone"} Why
 * @typedef {{ gen: number, first_frame?: number, relayed?: boolean, failure?: string }} Report
 * @typedef {{
 *   room: Room, turn: Turn, media: Media,
 *   sdp: { gen: number, description: RTCSessionDescriptionInit },
 *   ice: { gen: number, candidate: RTCIceCandidateInit | null },
 *   bye: { why: Why }, status: Status,
 * }} Said
 */

const KEPT = 64; // sdp and ice frames that wait for a socket
const ENGAGED = 5 * 60_000; // milliseconds after the last input for which somebody counts as looking
const ROOM = {
  outcome: "", note: "", presence: "", c: "", starts_at: null, ends_at: null, next_at: null, extend: 0,
};

/** @extends {Listeners<Said>} */
export class Signal extends Listeners {
  /** @type {{ on: boolean } | null} */ #ready = null;
  /** @type {Media | null} */ #media = null;
  /** @type {Frame[]} */ #waiting = [];
  /** @type {() => void} */ #detach = () => undefined;
  #touchedAt = -Infinity;
  #inside = false; // the room has been told since the last welcome
  #gone = false;
  #away = false;
  inCall = false; // who talks looks at it, whether they touch it or not

  /** @param {{ call: string, pass: () => Promise<import("../shared/link.js").Pass>, inst?: string, url?: string, doors?: PageDoors }} options */
  constructor({ call, pass, inst = freshId(), url, doors = pageDoors() }) {
    super();
    this.doors = doors;
    this.link = new Link(
      {
        url: url ?? address(),
        pass,
        hello: () => ({ t: "hello", call, inst }),
        engaged: () => this.inCall || (doors.visible() && doors.now() - this.#touchedAt < ENGAGED),
        heard: (frame) => this.#heard(frame),
        changed: (status) => this.#changed(status),
      },
      doors,
    );
  }

  get status() {
    return this.link.status;
  }

  /** Enter, and come back for as long as there is a place. */
  start() {
    this.#detach();
    this.#detach = this.doors.attach(this);
    this.link.start();
  }

  /** Leave. */
  stop() {
    this.#detach();
    this.#detach = () => undefined;
    this.link.stop();
  }

  // -- what is said ---------------------------------------------------------------------------------------------------------

  /** @param {boolean} on */
  ready(on = true) {
    this.#ready = { on };
    this.#say({ t: "ready", on });
  }

  /** @param {Media} media */
  media(media) {
    this.#media = { ...media };
    this.#say({ t: "media", ...media });
  }

  admit() {
    return this.#say({ t: "admit" });
  }

  /** @param {string} text */
  hold(text = "") {
    return this.#say({ t: "hold", text });
  }

  /** @param {string} text */
  reject(text = "") {
    return this.#say({ t: "reject", text });
  }

  /** @param {number} gen */
  rebuild(gen) {
    return this.#say({ t: "rebuild", gen });
  }

  /** Ask for fresh TURN credentials. */
  refresh() {
    return this.#say({ t: "turn" });
  }

  /** @param {Report} report */
  quality(report) {
    return this.#say({ t: "quality", ...report });
  }

  finish() {
    return this.#say({ t: "finish" });
  }

  /**
   * @param {number} gen
   * @param {RTCSessionDescriptionInit} description
   */
  sdp(gen, description) {
    this.#soon({ t: "sdp", gen, description });
  }

  /**
   * @param {number} gen
   * @param {RTCIceCandidateInit | null} candidate
   */
  ice(gen, candidate) {
    this.#soon({ t: "ice", gen, candidate });
  }

  /**
   * Whether it left: what must arrive is said again by whoever keeps it.
   * @param {Frame} frame
   */
  #say(frame) {
    return this.#inside && this.link.send(frame);
  }

  /** @param {Frame} frame */
  #soon(frame) {
    if (this.#say(frame)) return;
    this.#waiting.push(frame);
    if (this.#waiting.length > KEPT) this.#waiting.shift();
  }

  // -- what is heard --------------------------------------------------------------------------------------------------------

  /** @param {Frame} frame */
  #heard(frame) {
    const { t } = frame;
    if (t === "room") {
      if (!this.#inside) this.#enter(frame.gen);
      this.tell("room", /** @type {Room} */ ({ ...ROOM, ...frame }));
    } else if (t === "bye") {
      this.#gone = true;
      this.stop();
      this.tell("bye", { why: frame.why });
    } else if (t === "media") this.tell("media", /** @type {any} */ ({ screen: false, audio_only: false, ...frame }));
    else if (t === "turn") this.tell("turn", /** @type {any} */ ({ relay_only: false, ...frame }));
    else if (t === "sdp" || t === "ice") this.tell(t, /** @type {any} */ (frame));
  }

  /** The server may know nothing of us any more. @param {number} gen */
  #enter(gen) {
    this.#inside = true;
    if (this.#ready) this.#say({ t: "ready", ...this.#ready });
    if (this.#media) this.#say({ t: "media", ...this.#media });
    for (const one of this.#waiting.splice(0)) if (one.gen === gen) this.#say(one);
  }

  /** @param {Status} status */
  #changed(status) {
    this.#inside = false; // open, too, is not yet inside
    this.tell("status", status);
    const TAKEN_OVER = 4411;
    if (status.state !== "ended" || this.#gone || !status.code) return;
    this.#gone = true; // closed before a bye could be read
    this.tell("bye", { why: status.code === TAKEN_OVER ? "taken-over" : "gone" });
  }

  // -- what happens to the page: doors.js tells -------------------------------------------------------------------------------

  tick() {
    if (this.inCall && this.status.state === "waiting") this.link.check(); // the longest waits are not for who talks
    else this.link.tick();
  }

  check() {
    this.link.check();
  }

  /** @param {boolean} input */
  touched(input) {
    if (input) this.#touchedAt = this.doors.now();
  }

  pause() {
    this.#away = true;
    this.link.stop();
  }

  resume() {
    if (!this.#away || this.#gone) return;
    this.#away = false;
    this.link.start();
  }
}
