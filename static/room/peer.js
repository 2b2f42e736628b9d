// The connection to the other side's browser, of one generation: perfect negotiation (W3C, webrtc-pc 10.7) with its traps cured.
//
// Both sides may offer, but for the first time: in the textbook the impolite side's offer can arrive while the polite side's
// first is on its way into setLocalDescription, and then neither ever connects. So the polite side holds its first offer until
// there is a remote description. What comes, and what is to be done, goes through one chain of promises, one after the other.
//
// Nobody rolls an offer back: in Chromium (156) the side that answered first sees nothing any more after a rollback, though
// frames arrive and are decoded. Two offers at once, which is rare, are a `collision`: a new generation is to be asked for.
//
// There are three sections from the first offer on, sound, camera, screen, in both directions: turning something on or off
// is `replaceTrack`, and negotiates nothing.

import { Listeners } from "./listeners.js";

/**
 * @typedef {"mic" | "cam" | "screen"} Kind
 * @typedef {import("./signal.js").Turn} Turn
 * @typedef {Record<Kind, MediaStreamTrack | null>} Tracks
 * @typedef {{
 *   description: RTCSessionDescriptionInit,
 *   candidate: RTCIceCandidateInit | null,
 *   remote: { kind: Kind, stream: MediaStream },
 *   state: RTCPeerConnectionState,
 *   said: string,
 *   collision: null,
 * }} Told description and candidate are for the other side; said came from it, past the server
 */

/** @type {Kind[]} */ const KINDS = ["mic", "cam", "screen"]; // in the order of their sections
const RATE = { mic: 40_000, cam: 1_500_000, screen: 2_500_000 }; // bits a second at most
const QUIET = 24_000; // sound without pictures: what a poor connection can bear
const HELD_UP = 16_384; // bytes that have not left: what is said now would come too late
const REMEMBERED = 64; // candidates: own ones, to be told again to who has missed them, and theirs that come too early

/** @extends {Listeners<Told>} */
export class Peer extends Listeners {
  /** @type {Promise<void>} */ #chain = Promise.resolve();
  /** @type {(RTCIceCandidateInit | null)[]} */ #candidates = [];
  /** @type {RTCIceCandidateInit[]} */ #ahead = []; // theirs, of a description that is still to come
  /** @type {Partial<Record<Kind, RTCRtpTransceiver>>} */ #sections = {};
  /** @type {RTCDataChannel} */ #channel;
  #stream = new MediaStream(); // names what is to be played in step: microphone and camera
  #quiet = false;
  #closed = false;
  offers = 0; // of the other side's, that were taken

  /** @param {{ gen: number, polite: boolean, turn: Turn, tracks: Tracks }} options */
  constructor({ gen, polite, turn, tracks }) {
    super();
    this.gen = gen;
    this.polite = polite;
    this.tracks = { ...tracks };
    const pc = (this.pc = new RTCPeerConnection({ ...servers(turn), bundlePolicy: "max-bundle" }));
    pc.onnegotiationneeded = () => this.#do(() => this.#offer());
    pc.onicecandidate = ({ candidate }) => this.#found(candidate?.toJSON() ?? null);
    pc.onconnectionstatechange = () => this.#closed || this.tell("state", pc.connectionState);
    this.#channel = pc.createDataChannel("captions", { negotiated: true, id: 0 });
    this.#channel.onmessage = ({ data }) => this.tell("said", data);
    if (!polite) this.#do(() => this.#lay());
  }

  get state() {
    return this.pc.connectionState;
  }

  /** Nothing is being negotiated. */
  get stable() {
    return this.pc.signalingState === "stable" && this.pc.remoteDescription !== null;
  }

  /** Which kind each section is, by its mid. @returns {Map<string, Kind>} */
  get mids() {
    const all = KINDS.flatMap((kind) => {
      const mid = this.#sections[kind]?.mid;
      return mid ? [/** @type {[string, Kind]} */ ([mid, kind])] : [];
    });
    return new Map(all);
  }

  // -- what is sent ---------------------------------------------------------------------------------------------------------

  /**
   * Send this from now on, or nothing.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  set(kind, track) {
    this.tracks[kind] = track;
    this.#do(() => this.#replace(kind));
  }

  /** Sound alone, and little of it; or as usual. @param {boolean} on */
  quiet(on) {
    if (on === this.#quiet) return;
    this.#quiet = on;
    this.#do(() => this.#limit("mic"));
  }

  /** Straight to the other browser, if it can be reached; lost if not. @param {string} text */
  say(text) {
    if (this.#channel.readyState === "open" && this.#channel.bufferedAmount < HELD_UP) this.#channel.send(text);
  }

  // -- what the other side says -----------------------------------------------------------------------------------------------

  /** @param {RTCSessionDescriptionInit} description */
  described(description) {
    this.#do(() => this.#take(description));
  }

  /** @param {RTCIceCandidateInit | null} candidate null: there are no more */
  found(candidate) {
    this.#do(async () => {
      if (!candidate || (await this.#add(candidate))) return;
      this.#ahead.push(candidate);
      if (this.#ahead.length > REMEMBERED) this.#ahead.shift();
    });
  }

  /** @param {RTCIceCandidateInit} candidate @returns {Promise<boolean>} whether it is of a description that is there */
  async #add(candidate) {
    if (!this.pc.remoteDescription) return false;
    return this.pc.addIceCandidate(candidate).then(() => true, () => false);
  }

  /** The other side was away and is back, or we were: tell again what one of us may have missed. */
  again() {
    this.#do(async () => {
      const { signalingState, localDescription, connectionState } = this.pc;
      if (signalingState === "have-local-offer" && localDescription) this.tell("description", localDescription.toJSON());
      else if (connectionState !== "connected") for (const one of this.#candidates) this.tell("candidate", one);
    });
  }

  /** Other TURN credentials; they are used when ICE is begun or restarted. @param {Turn} turn */
  turn(turn) {
    this.#do(async () => this.pc.setConfiguration({ ...servers(turn), bundlePolicy: "max-bundle" }));
  }

  /** Find the way anew. With credentials that have ended this finds nothing and says nothing: give fresh ones first. */
  restart() {
    this.#do(async () => {
      this.#candidates = [];
      this.pc.restartIce();
    });
  }

  async stats() {
    return [...(await this.pc.getStats()).values()];
  }

  close() {
    this.#closed = true;
    this.#channel.close();
    this.pc.close();
  }

  // -- inside -----------------------------------------------------------------------------------------------------------------

  /** One after the other. What goes wrong shows in the connection's state; the error may quote SDP and is told to nobody. @param {() => Promise<void>} act */
  #do(act) {
    this.#chain = this.#chain.then(() => (this.#closed ? undefined : act())).catch(() => undefined);
  }

  async #offer() {
    const { signalingState, remoteDescription } = this.pc;
    if (this.polite && !remoteDescription) return; // the cure
    if (signalingState !== "stable") return; // it is asked for again when that is over
    await this.#describe();
  }

  async #describe() {
    await this.pc.setLocalDescription();
    if (this.pc.localDescription) this.tell("description", this.pc.localDescription.toJSON());
  }

  /** @param {RTCSessionDescriptionInit} description */
  async #take(description) {
    const { pc } = this;
    const offer = description.type === "offer";
    if (offer && pc.signalingState !== "stable") return this.polite ? this.tell("collision", null) : undefined; // ours counts
    if (!offer && pc.signalingState !== "have-local-offer") return; // told twice
    const first = !pc.remoteDescription;
    await pc.setRemoteDescription(description);
    if (offer) this.offers += 1;
    for (const one of this.#ahead.splice(0)) await this.#add(one);
    if (first && this.polite) await this.#adopt(pc.getTransceivers());
    if (offer) await this.#describe();
    if (!first) return;
    for (const kind of KINDS) {
      const section = this.#sections[kind];
      if (section) this.tell("remote", { kind, stream: new MediaStream([section.receiver.track]) });
      await this.#limit(kind);
    }
  }

  /** The impolite side lays the sections out. */
  async #lay() {
    const all = KINDS.map((kind) =>
      this.pc.addTransceiver(kind === "mic" ? "audio" : "video", {
        direction: "sendrecv",
        streams: kind === "screen" ? [] : [this.#stream],
        sendEncodings: [{ maxBitrate: RATE[kind] }],
      }),
    );
    await this.#adopt(all);
  }

  /** @param {RTCRtpTransceiver[]} all in their order */
  async #adopt(all) {
    for (const [at, kind] of KINDS.entries()) {
      const section = all[at];
      if (!section) continue;
      this.#sections[kind] = section;
      section.direction = "sendrecv";
      if (kind !== "screen") section.sender.setStreams?.(this.#stream);
      await this.#replace(kind);
    }
  }

  /** @param {Kind} kind */
  async #replace(kind) {
    const track = this.tracks[kind];
    if (track && kind === "screen") track.contentHint = "detail"; // text is to be read: sharp before smooth
    await this.#sections[kind]?.sender.replaceTrack(track);
  }

  /** @param {Kind} kind */
  async #limit(kind) {
    const sender = this.#sections[kind]?.sender;
    const parameters = sender?.getParameters();
    if (!sender || !parameters?.encodings?.length) return;
    for (const one of parameters.encodings) one.maxBitrate = kind === "mic" && this.#quiet ? QUIET : RATE[kind];
    if (kind !== "mic") parameters.degradationPreference = kind === "screen" ? "maintain-resolution" : "balanced";
    await sender.setParameters(parameters).catch(() => undefined); // then the browser decides by itself
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  #found(candidate) {
    if (this.#closed) return;
    this.#candidates.push(candidate);
    if (this.#candidates.length > REMEMBERED) this.#candidates.shift();
    this.tell("candidate", candidate);
  }
}

/** @param {Turn} turn @returns {RTCConfiguration} */
const servers = ({ ice_servers, relay_only }) => ({
  iceServers: ice_servers,
  iceTransportPolicy: relay_only ? "relay" : "all",
});
