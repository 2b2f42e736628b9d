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

import { awake } from "./awake.js";
import { Ladder } from "./ladder.js";
import { Listeners } from "./listeners.js";
import { Peer } from "./peer.js";
import { level, measure, NOTHING, Pictures } from "./quality.js";
import { Signal } from "./signal.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {import("./signal.js").Media} Media
 * @typedef {import("./signal.js").Turn} Turn
 * @typedef {import("./signal.js").Report} Report
 * @typedef {import("./peer.js").Kind} Kind
 * @typedef {import("./ladder.js").Link} Link
 *   none: not yet, or no more; connecting: for the first time; reconnecting: what was there is being mended;
 *   text: given up: they go on in writing, until `again()`
 * @typedef {{ signal: "connecting" | "open" | "waiting" | "ended", link: Link }} State
 *   `signal` waiting: the way to the server is broken (show it after two seconds), the call may well go on
 * @typedef {{ on: boolean, by: "" | "hand" | "link" | "other" | "ladder" }} Shown whether pictures are sent and shown, and who turned them off:
 *   this person, the poor connection, the other side, or a connection that could only be had without
 * @typedef {{
 *   level: 0 | 1 | 2 | 3, relayed: boolean | null, rtt: number | null, loss: number | null, up: number, down: number,
 *   frames: number | null,
 * }} Quality level 0 bad to 3 good; rtt in milliseconds; loss a share of 1, the worse direction; up and down in bits a second; frames of the other's a second
 * @typedef {{
 *   room: Room, state: State, theirs: Media, remote: { kind: Kind, stream: MediaStream },
 *   pictures: Shown, quality: Quality, said: { text: string, final: boolean }, bye: { why: import("./signal.js").Why },
 *   ended: Room,
 * }} Heard
 *   theirs: what the other side sends now; remote: a stream of theirs, again for every generation; said: a caption of theirs;
 *   bye: this page's part is over for good; ended: the room has ended
 */

const STEP = 500; // milliseconds between looks at the connection
const SAMPLE = 2_000; // between looks at its counters
const FRAME = 100; // and until the first picture or sound of theirs
const FIRST = 15_000; // after which nobody waits for it any more
const EARLY = 128; // signals that wait for the connection they belong to
const SERVERS = 2_000; // milliseconds for fresh TURN credentials to come; then ICE is restarted with what there is
const HEAD_START = 2_000; // milliseconds for which the polite side waits for the other's restart: both see a broken connection at once
const NONE = { mic: false, cam: false, screen: false, audio_only: false };

/** Whether the other side is told what is for it. @param {Room} room */
const hears = ({ state, peer }) => state === "admitted" && peer.here;

/** @extends {Listeners<Heard>} */
export class Call extends Listeners {
  /** @type {Room | null} */ room = null;
  /** @type {State} */ state = { signal: "connecting", link: "none" };
  /** @type {Media} */ theirs = NONE;
  /** @type {Media} */ ours = NONE;
  /** @type {Partial<Record<Kind, MediaStream>>} */ remote = {};
  /** @type {Record<Kind, MediaStreamTrack | null>} */ tracks = { mic: null, cam: null, screen: null }; // as the page wants them sent
  #own = new Pictures();
  /** @type {Shown} */ #shown = { on: true, by: "" }; // as it was told last
  #ladder = new Ladder();
  /** @type {Peer | null} */ peer = null; // of the present generation
  /** @type {Turn | null} */ #turn = null;
  /** @type {(() => void)[]} */ #turned = []; // who waits for fresh credentials
  /** @type {({ gen: number } & ({ description: RTCSessionDescriptionInit } | { candidate: RTCIceCandidateInit | null }))[]} */ #early = [];
  #ready = false;
  #muted = false;
  #missed = false; // something may have been said while our socket was away, or theirs
  #given = 0; // the generation that was given up
  #offset = 0; // the server's clock before ours, milliseconds
  #counts = NOTHING;
  #sampledAt = 0;
  /** @type {Omit<Report, "gen"> | null} */ #unsaid = null; // a report that could not be sent yet
  #reported = 0; // the generation whose first frame has been told
  #timer = 0;
  #startedAt = 0;

  /** @param {{ uid: string, pass: () => Promise<import("../shared/link.js").Pass>, inst?: string, doors?: import("./signal.js").PageDoors }} options */
  constructor({ uid, pass, inst, doors }) {
    super();
    const signal = (this.signal = new Signal({ call: uid, pass, inst, doors }));
    signal.on("room", (room) => this.#told(room));
    signal.on("turn", (turn) => this.#servers(turn));
    signal.on("media", (media) => this.#media(media));
    signal.on("sdp", (one) => this.#signalled(one));
    signal.on("ice", (one) => this.#signalled(one));
    signal.on("status", ({ state }) => this.#status(state));
    signal.on("bye", (bye) => this.#leave(bye));
  }

  // -- what a page does -------------------------------------------------------------------------------------------------------

  /** Enter the room. */
  start() {
    this.signal.media(this.ours);
    this.signal.start();
  }

  /** Leave the page; the place becomes free. */
  stop() {
    this.#drop();
    this.signal.stop();
  }

  /** The devices have been looked at: the call may begin. */
  ready(on = true) {
    this.#ready = on;
    this.signal.ready(on);
    this.#consider();
  }

  // These four are false when the server cannot be reached just now: then nothing has happened.

  admit() {
    return this.signal.admit();
  }

  /** @param {string} text */
  hold(text = "") {
    return this.signal.hold(text);
  }

  /** @param {string} text */
  reject(text = "") {
    return this.signal.reject(text);
  }

  /** End it for both (the adviser), or leave it and perhaps come back (the customer). */
  finish() {
    return this.signal.finish();
  }

  /**
   * What is sent from now on; null: nothing. The track stays the page's, which stops it.
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   */
  set(kind, track) {
    this.tracks[kind] = track;
    this.#send();
  }

  /** Silence the microphone, or not; the track stays. @param {boolean} on */
  mute(on) {
    this.#muted = on;
    this.#send();
  }

  get muted() {
    return this.#muted;
  }

  /** Without pictures both ways, chosen by hand; false: with pictures again, whatever turned them off. @param {boolean} on */
  audioOnly(on) {
    this.#own.choose(!on, Date.now());
    this.#send();
  }

  /** @returns {Shown} */
  get pictures() {
    if (!this.#own.on) return { on: false, by: this.#own.by };
    return this.theirs.audio_only ? { on: false, by: "other" } : { on: true, by: "" };
  }

  /** After "text": try once more to connect. */
  again() {
    this.#act(this.#ladder.again(Date.now()));
    this.#watch(true);
    this.#show();
  }

  /** A caption of one's own words, straight to the other browser. @param {string} text @param {boolean} final */
  say(text, final) {
    this.peer?.say(JSON.stringify({ caption: text, final }));
  }

  /** Tell the operator's figures why this side has no device. @param {"permission" | "no_device" | "device_busy" | "browser"} failure */
  failed(failure) {
    this.#report({ failure });
  }

  // -- what the server says ---------------------------------------------------------------------------------------------------

  /** @param {Room} room */
  #told(room) {
    const before = this.room;
    this.room = room;
    this.#offset = room.now - Date.now();
    if (room.peer.here && before && !before.peer.here) this.#missed = true;
    if (hears(room) && (!before || !hears(before) || before.gen !== room.gen)) this.signal.media(this.ours); // a page of theirs that knows nothing yet
    if (before?.gen !== room.gen) this.#early = this.#early.filter(({ gen }) => gen >= room.gen);
    if (this.#unsaid && this.signal.quality({ gen: room.gen, ...this.#unsaid })) this.#unsaid = null;
    this.#consider();
    this.tell("room", room);
    if (room.state === "ended" && before?.state !== "ended") this.tell("ended", room);
  }

  /** @param {Turn} turn */
  #servers(turn) {
    this.#turn = turn;
    this.peer?.turn(turn);
    for (const act of this.#turned.splice(0)) act();
    this.#consider();
  }

  /** @param {Media} media */
  #media({ mic, cam, screen, audio_only }) {
    this.theirs = { mic, cam, screen, audio_only };
    this.#send(); // they may want no pictures any more, or some again
    this.tell("theirs", this.theirs);
  }

  /** @param {{ gen: number } & ({ description: RTCSessionDescriptionInit } | { candidate: RTCIceCandidateInit | null })} one */
  #signalled(one) {
    if (this.peer && this.peer.gen === one.gen) return this.#pass(this.peer, one);
    if (this.room && one.gen < this.room.gen) return; // of a connection that is gone
    this.#early.push(one); // the room, or our TURN credentials, are still on their way
    if (this.#early.length > EARLY) this.#early.shift();
  }

  /**
   * @param {Peer} peer
   * @param {{ description: RTCSessionDescriptionInit } | { candidate: RTCIceCandidateInit | null }} one
   */
  #pass(peer, one) {
    if ("description" in one) peer.described(one.description);
    else peer.found(one.candidate);
  }

  /** @param {State["signal"]} signal */
  #status(signal) {
    if (signal === "open") this.#missed = true;
    this.state = { ...this.state, signal };
    this.tell("state", this.state);
  }

  /** @param {{ why: import("./signal.js").Why }} bye */
  #leave(bye) {
    this.#drop();
    this.tell("bye", bye);
  }

  // -- the connection between the two -----------------------------------------------------------------------------------------

  /** Make it, keep it, or let it go: whichever what is known asks for. */
  #consider() {
    const { room } = this;
    if (!room) return;
    if (room.state !== "admitted") this.#drop();
    else if (this.peer && this.peer.gen !== room.gen) this.#drop();
    if (this.peer) {
      if (this.#missed && room.peer.here) this.peer.again();
    } else if (room.state === "admitted" && room.peer.here && room.peer.ready && this.#ready && this.#turn && room.gen !== this.#given) {
      this.#build(room, this.#turn);
    }
    if (room.peer.here) this.#missed = false;
    this.#look();
  }

  /**
   * @param {Room} room
   * @param {Turn} turn
   */
  #build({ gen, polite }, turn) {
    try {
      this.peer = new Peer({ gen, polite, turn, tracks: this.#sent() });
    } catch {
      this.#given = gen; // a browser without WebRTC, or one that is told not to
      this.#ladder.giveUp();
      this.#report({ failure: "browser" });
      return;
    }
    const peer = this.peer;
    this.#startedAt = Date.now();
    this.#counts = NOTHING;
    this.#sampledAt = 0;
    peer.on("description", (description) => this.signal.sdp(gen, description));
    peer.on("candidate", (candidate) => this.signal.ice(gen, candidate));
    peer.on("state", () => this.#look());
    peer.on("remote", ({ kind, stream }) => {
      this.remote[kind] = stream;
      this.tell("remote", { kind, stream });
    });
    peer.on("said", (text) => this.#said(text));
    peer.on("collision", () => this.signal.rebuild(gen));
    peer.quiet(!this.pictures.on);
    const early = this.#early;
    this.#early = early.filter((one) => one.gen > gen);
    for (const one of early) if (one.gen === gen) this.#pass(peer, one);
    this.#watch(true);
    void this.#first(peer);
  }

  #drop() {
    this.peer?.close();
    this.peer = null;
    this.#watch(false);
    this.#look();
  }

  /** @param {boolean} on */
  #watch(on) {
    clearInterval(this.#timer);
    if (on) this.#timer = setInterval(() => this.#look(), STEP);
  }

  /** What the ladder says now. */
  #look() {
    const peer = this.peer;
    const actions = this.#ladder.step(
      {
        gen: peer?.gen ?? 0,
        connection: peer?.state ?? "none",
        stable: !!peer?.stable,
        here: !!this.room?.peer.here,
        open: this.state.signal === "open",
        until: this.#turn ? this.#turn.until - this.#offset : Infinity,
      },
      Date.now(),
    );
    this.#act(actions);
    this.#show();
    if (peer && peer === this.peer && peer.state === "connected" && Date.now() - this.#sampledAt >= SAMPLE) void this.#sample(peer);
  }

  /** @param {import("./ladder.js").Action[]} actions */
  #act(actions) {
    for (const action of actions) {
      if (action === "refresh") this.signal.refresh();
      else if (action === "restart") void this.#restart();
      else if (action === "text") this.#giveUp();
      else {
        if (action === "bare") {
          this.#own.drop("ladder", Date.now());
          this.#send();
        }
        if (this.room) this.signal.rebuild(this.room.gen);
      }
    }
  }

  /** With credentials that have ended a restart finds nothing, and says nothing of it. */
  async #restart() {
    const peer = this.peer;
    const offers = peer?.offers;
    const fresh = new Promise((done) => {
      this.#turned.push(() => done(null));
      setTimeout(done, SERVERS, null);
    });
    if (this.signal.refresh()) await fresh;
    if (peer?.polite) await new Promise((done) => setTimeout(done, HEAD_START));
    if (peer === this.peer && peer?.offers === offers && peer?.state !== "connected") peer?.restart();
  }

  #giveUp() {
    this.#given = this.room?.gen ?? 0;
    this.#report({ failure: this.#turn?.relay_only ? "turn" : "network" });
    this.#drop();
  }

  #show() {
    const { link } = this.#ladder;
    this.signal.inCall = link === "connected" || link === "reconnecting";
    awake(this.signal.inCall);
    if (link === this.state.link) return;
    this.state = { ...this.state, link };
    this.tell("state", this.state);
  }

  // -- what is sent -------------------------------------------------------------------------------------------------------------

  /** What goes out now, of what the page would send. */
  #sent() {
    const { on } = this.pictures;
    const { mic, cam, screen } = this.tracks;
    return { mic, cam: on ? cam : null, screen: on ? screen : null };
  }

  /** Something about that has changed. */
  #send() {
    const sent = this.#sent();
    if (sent.mic) sent.mic.enabled = !this.#muted;
    for (const kind of /** @type {Kind[]} */ (["mic", "cam", "screen"])) {
      if (this.peer && this.peer.tracks[kind] !== sent[kind]) this.peer.set(kind, sent[kind]);
    }
    this.peer?.quiet(!this.pictures.on);
    const ours = { mic: !!sent.mic && !this.#muted, cam: !!sent.cam, screen: !!sent.screen, audio_only: !this.#own.on };
    if (JSON.stringify(ours) !== JSON.stringify(this.ours)) {
      this.ours = ours;
      this.signal.media(ours);
    }
    const { on, by } = this.pictures;
    if (on === this.#shown.on && by === this.#shown.by) return;
    this.#shown = { on, by };
    this.tell("pictures", this.#shown);
  }

  // -- how it is ----------------------------------------------------------------------------------------------------------------

  /** @param {Peer} peer */
  async #sample(peer) {
    this.#sampledAt = Date.now();
    const stats = await peer.stats();
    if (peer !== this.peer) return;
    const now = Date.now();
    const before = this.#counts;
    const { counts, sample } = measure(stats, before, now, peer.mids);
    this.#counts = counts;
    if (!before.at) return; // there is nothing to compare with
    const [sends, sees] = [this.ours.cam || this.ours.screen, this.theirs.cam];
    const grade = level(sample, { sends, sees });
    const { relayed, rtt, loss, up, down, frames } = sample;
    this.tell("quality", { level: grade, relayed, rtt, loss, up, down, frames: sees ? frames : null });
    if (this.#own.step(grade, now)) this.#send();
  }

  /** How long the first picture of theirs takes, or the first sound when they send no pictures. @param {Peer} peer */
  async #first(peer) {
    while (peer === this.peer && this.#reported !== peer.gen) {
      await new Promise((done) => setTimeout(done, FRAME));
      if (peer !== this.peer || peer.state !== "connected") continue;
      const { sample } = measure(await peer.stats(), NOTHING, Date.now(), peer.mids);
      const { cam, screen, mic } = this.theirs;
      const waits = cam || screen ? !sample.pictured : mic && !sample.heard;
      const took = Date.now() - this.#startedAt;
      if (waits && took < FIRST) continue;
      this.#reported = peer.gen;
      this.#report({ first_frame: waits ? undefined : took, relayed: sample.relayed ?? undefined });
    }
  }

  /** @param {Omit<Report, "gen">} report */
  #report(report) {
    if (!this.room || !this.signal.quality({ gen: this.room.gen, ...report })) this.#unsaid = report;
  }

  /** @param {string} text as their browser has sent it: anything */
  #said(text) {
    try {
      const { caption, final } = JSON.parse(text);
      if (typeof caption === "string") this.tell("said", { text: caption.slice(0, 500), final: !!final });
    } catch {
      // not ours to read
    }
  }
}
