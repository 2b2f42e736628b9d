// Microphone, camera, speaker, screen: asked for apart from each other, so that one that is refused does not lose the others.
//
// Having none is normal: what is not there is not asked for, and is no problem to warn of.

import { remember, remembered } from "../shared/remembered.js";
import { Listeners } from "./listeners.js";

/**
 * @typedef {"mic" | "cam"} Kind
 * @typedef {"denied" | "dismissed" | "system" | "policy" | "none" | "busy" | "unfit" | "insecure" | "unsupported" | "failed"} Code
 *   why a device could not be had. denied: this person said no, now or earlier, and the browser does not ask again; dismissed:
 *   the question was closed, it may be asked again; system: the operating system forbids it to the browser; policy: the page
 *   around ours does; none: there is no such device (normal, no warning); busy: another program has it; unfit: none fits;
 *   insecure: no https; unsupported: this browser cannot; failed: anything else
 * @typedef {{ id: string, name: string }} Device `name` is "" until permission has been given
 * @typedef {{ mic: Device[], cam: Device[], speaker: Device[] }} Lists
 * @typedef {{
 *   track: { kind: Kind, track: MediaStreamTrack | null, why: "opened" | "closed" | "switched" | "lost" },
 *   problem: { kind: Kind, code: Code | "" },
 *   lists: Lists,
 *   permission: { kind: Kind, state: PermissionState },
 *   level: number,
 * }} Heard
 *   track: another one is used from now on: give it to `Call.set`; problem: "" when it is over; permission: it was changed in
 *   the browser: when it is "granted" and the page wants the device, open it; level: of the microphone, 0 to 1, ten times a
 *   second
 */

const NAMES = { mic: "microphone", cam: "camera" }; // of permissions and policies
const SORTS = { mic: "audioinput", cam: "videoinput", speaker: "audiooutput" }; // of devices
const WANTED = {
  mic: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  cam: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 25, max: 30 }, facingMode: "user" },
};
const METER = 100; // milliseconds between levels
const PROMPT = 400; // milliseconds: a question that was answered sooner was not read by anybody

/**
 * Why a device could not be had. Pure.
 * @param {{ name: string, message?: string }} error of getUserMedia
 * @param {{ permission?: PermissionState, policy?: boolean, secure?: boolean }} known the permission as it is afterwards; whether the page around ours allows it
 * @returns {Code}
 */
export function codeOf({ name, message = "" }, { permission, policy = true, secure = true }) {
  if (!secure) return "insecure";
  switch (name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
    case "SecurityError":
      if (!policy) return "policy";
      if (/system/i.test(message)) return "system";
      if (/dismissed/i.test(message)) return "dismissed";
      return permission === "prompt" ? "dismissed" : "denied";
    case "NotFoundError":
    case "DevicesNotFoundError":
      return "none";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    case "OverconstrainedError":
      return "unfit";
    case "TypeError":
      return "unsupported"; // there is no mediaDevices
    default:
      return "failed";
  }
}

/**
 * Which device to use after the list has changed: null: the one in use. Pure.
 * @param {Device[]} before
 * @param {Device[]} now
 * @param {string} using
 * @param {string} chosen by hand, perhaps not there at the moment
 * @returns {string | null} "" is the browser's own choice
 */
export function switchTo(before, now, using, chosen) {
  const there = (/** @type {Device[]} */ all, /** @type {string} */ id) => all.some((one) => one.id === id);
  if (chosen && chosen !== using && there(now, chosen) && !there(before, chosen)) return chosen; // theirs is plugged in again
  return there(now, using) ? null : "";
}

/** @extends {Listeners<Heard>} */
export class Devices extends Listeners {
  /** @type {Record<Kind, MediaStreamTrack | null>} */ tracks = { mic: null, cam: null };
  /** @type {Record<Kind, Code | "">} */ problems = { mic: "", cam: "" };
  /** @type {Lists} */ lists = { mic: [], cam: [], speaker: [] };
  /** @type {Record<Kind | "speaker", string>} */ chosen = {
    mic: remembered("mic"),
    cam: remembered("cam"),
    speaker: remembered("speaker"),
  };
  /** @type {Promise<unknown>} */ #asking = Promise.resolve(); // one question at a time: Safari mutes the first of two microphones
  /** @type {Meter | null} */ #meter = null;
  #ended = new AbortController();
  #watching = false;
  #blur = remembered("blur") === "1";

  /**
   * Find out what there is, without asking for anything; from then on `lists` and `permission` are told.
   * @returns {Promise<Record<Kind, boolean>>} whether there is a microphone, a camera
   */
  async look() {
    if (!this.#watching) {
      this.#watching = true;
      navigator.mediaDevices?.addEventListener("devicechange", () => void this.#changed(), { signal: this.#ended.signal });
      document.addEventListener("visibilitychange", () => this.#back(), { signal: this.#ended.signal });
      for (const kind of /** @type {Kind[]} */ (["mic", "cam"])) void this.#permission(kind);
    }
    await this.#list();
    return { mic: this.lists.mic.length > 0, cam: this.lists.cam.length > 0 };
  }

  /**
   * Use the chosen device of a kind, else the browser's; a problem is told and kept, not thrown.
   * @param {Kind} kind
   * @returns {Promise<MediaStreamTrack | null>}
   */
  open(kind) {
    return this.#next(() => this.#open(kind, "opened"));
  }

  /**
   * Open several, with one question for both where there are both; what one is refused does not keep the other away.
   * @param {Kind[]} kinds
   */
  async openAll(kinds) {
    const all = kinds.filter((kind) => !this.tracks[kind]);
    if (all.length > 1 && all.every((kind) => this.lists[kind].length)) await this.#next(() => this.#openBoth());
    else for (const kind of all) await this.open(kind);
  }

  /** Let it go, light off. @param {Kind} kind */
  close(kind) {
    return this.#next(async () => this.#use(kind, null, "closed"));
  }

  /**
   * Another device, kept for the next visit; what is open is switched.
   * @param {Kind | "speaker"} kind
   * @param {string} id
   */
  async choose(kind, id) {
    this.chosen[kind] = id;
    remember(kind, id);
    if (kind !== "speaker" && this.tracks[kind]) await this.#next(() => this.#open(kind, "switched"));
  }

  /** Whether what is behind is blurred; null: this camera cannot. @returns {boolean | null} */
  get blurred() {
    const track = this.tracks.cam;
    const can = track?.getCapabilities?.().backgroundBlur ?? [];
    return can.length > 1 || can[0] ? !!track?.getSettings().backgroundBlur : null;
  }

  /** @param {boolean} on kept for the next visit */
  async blur(on) {
    this.#blur = on;
    remember("blur", on ? "1" : "");
    if (this.blurred !== null && this.blurred !== on) await this.tracks.cam?.applyConstraints({ ...WANTED.cam, backgroundBlur: on }).catch(() => undefined);
  }

  /** Let go of everything. */
  stop() {
    this.#ended.abort();
    void this.close("mic");
    void this.close("cam");
  }

  // -- inside -----------------------------------------------------------------------------------------------------------------

  /**
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T>}
   */
  #next(act) {
    const done = this.#asking.then(act);
    this.#asking = done.catch(() => undefined);
    return done;
  }

  /**
   * @param {Kind} kind
   * @param {"opened" | "switched" | "lost"} why
   */
  async #open(kind, why) {
    if (!navigator.mediaDevices) return this.#fails(kind, isSecureContext ? "unsupported" : "insecure");
    await this.#list();
    if (!this.lists[kind].length) return this.#fails(kind, "none");
    this.tracks[kind]?.stop(); // before the next one: some cameras and phones give only one
    const wanted = this.#wanted(kind);
    let [track, code] = await this.#ask(kind, wanted);
    if (!track && ("deviceId" in wanted || code === "unfit")) [track, code] = await this.#ask(kind, true); // whichever there is
    return track ? this.#take(kind, track, wanted, why) : this.#fails(kind, code);
  }

  /** Both with one question. */
  async #openBoth() {
    await this.#list();
    const [audio, video] = [this.#wanted("mic"), this.#wanted("cam")];
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio, video });
      const [mic, cam] = [stream.getAudioTracks()[0], stream.getVideoTracks()[0]];
      if (mic) await this.#take("mic", mic, audio, "opened");
      if (cam) await this.#take("cam", cam, video, "opened");
    } catch (error) {
      const refused = /** @type {Error} */ (error).name === "NotAllowedError";
      for (const kind of /** @type {Kind[]} */ (["mic", "cam"])) {
        const permission = (await permitted(kind))?.state ?? "granted"; // who does not say is asked again, one by one
        if (refused && permission !== "granted") this.#fails(kind, this.#code(kind, error, permission)); // the one answer was for both
        else await this.#open(kind, "opened");
      }
    }
  }

  /** @param {Kind} kind @returns {MediaTrackConstraints} */
  #wanted(kind) {
    const id = this.chosen[kind];
    if (!this.lists[kind].some((one) => one.id === id)) return WANTED[kind];
    const { facingMode, ...wanted } = /** @type {MediaTrackConstraints} */ (WANTED[kind]);
    return { ...wanted, deviceId: { exact: id } };
  }

  /**
   * Use what was given.
   * @param {Kind} kind
   * @param {MediaStreamTrack} given
   * @param {MediaTrackConstraints} wanted
   * @param {"opened" | "switched" | "lost"} why
   */
  async #take(kind, given, wanted, why) {
    /** @type {MediaStreamTrack | null} */ let track = given;
    await this.#list(); // ids and names are told from now on
    if (!("deviceId" in wanted) && this.#misses(kind, track)) {
      track.stop();
      track = (await this.#ask(kind, this.#wanted(kind)))[0] ?? (await this.#ask(kind, true))[0];
      if (!track) return this.#fails(kind, "failed");
    }
    this.#use(kind, track, why);
    if (kind === "cam" && this.#blur) await this.blur(true);
    return track;
  }

  /** Whether another one was chosen on an earlier visit, which could not be known before permission. @param {Kind} kind @param {MediaStreamTrack} track */
  #misses(kind, track) {
    const id = this.chosen[kind];
    return id !== "" && id !== track.getSettings().deviceId && this.lists[kind].some((one) => one.id === id);
  }

  /**
   * @param {Kind} kind
   * @param {MediaTrackConstraints | true} wanted
   * @returns {Promise<[MediaStreamTrack | null, Code]>}
   */
  async #ask(kind, wanted) {
    const asked = performance.now();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind === "mic" ? "audio" : "video"]: wanted });
      return [stream.getTracks()[0] ?? null, "failed"];
    } catch (error) {
      return [null, this.#code(kind, error, (await permitted(kind))?.state ?? (performance.now() - asked < PROMPT ? "denied" : "prompt"))];
    }
  }

  /**
   * @param {Kind} kind
   * @param {any} error
   * @param {PermissionState} permission
   */
  #code(kind, error, permission) {
    const policy = /** @type {any} */ (document).featurePolicy?.allowsFeature?.(NAMES[kind]);
    return codeOf(error, { permission, policy, secure: isSecureContext });
  }

  /**
   * @param {Kind} kind
   * @param {MediaStreamTrack | null} track
   * @param {Heard["track"]["why"]} why
   */
  #use(kind, track, why) {
    const before = this.tracks[kind];
    if (!track && !before && !this.problems[kind]) return;
    this.tracks[kind] = track;
    before?.stop();
    if (track) {
      track.contentHint = kind === "mic" ? "speech" : "motion";
      track.onended = () => void this.#next(() => this.#lost(kind, track));
    }
    if (kind === "mic") this.#measure(track);
    this.#problem(kind, "");
    this.tell("track", { kind, track, why });
  }

  /**
   * @param {Kind} kind
   * @param {Code} code
   * @returns {null}
   */
  #fails(kind, code) {
    this.#use(kind, null, "lost");
    this.#problem(kind, code);
    return null;
  }

  /**
   * @param {Kind} kind
   * @param {Code | ""} code
   */
  #problem(kind, code) {
    if (this.problems[kind] === code) return;
    this.problems[kind] = code;
    this.tell("problem", { kind, code });
  }

  /** It was pulled out, or taken away from us: the next best. @param {Kind} kind @param {MediaStreamTrack} track */
  async #lost(kind, track) {
    if (this.tracks[kind] === track) await this.#open(kind, "lost");
  }

  /** A telephone call, or another program, took the microphone while the page was away: iOS does not give it back by itself. */
  #back() {
    if (document.visibilityState !== "visible") return;
    for (const kind of /** @type {Kind[]} */ (["mic", "cam"])) {
      if (this.tracks[kind]?.muted) void this.#next(() => this.#open(kind, "switched"));
    }
  }

  async #changed() {
    const before = this.lists;
    await this.#list();
    for (const kind of /** @type {Kind[]} */ (["mic", "cam"])) {
      const [track, code] = [this.tracks[kind], this.problems[kind]];
      if (code === "none" && this.lists[kind].length) this.#problem(kind, ""); // there is one now: whoever wants it opens it
      if (!track) continue;
      const next = switchTo(before[kind], this.lists[kind], track.getSettings().deviceId ?? "", this.chosen[kind]);
      if (next !== null) await this.#next(() => this.#open(kind, next ? "switched" : "lost"));
    }
  }

  async #list() {
    const all = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    const of = (/** @type {string} */ sort) =>
      all.filter(({ kind }) => kind === sort).map(({ deviceId, label }) => ({ id: deviceId, name: label }));
    const lists = { mic: of(SORTS.mic), cam: of(SORTS.cam), speaker: of(SORTS.speaker) };
    const same = JSON.stringify(lists) === JSON.stringify(this.lists);
    this.lists = lists;
    if (!same) this.tell("lists", lists);
  }

  /** They may change their mind in the browser's own settings. @param {Kind} kind */
  async #permission(kind) {
    const status = await permitted(kind);
    status?.addEventListener("change", () => this.tell("permission", { kind, state: status.state }), { signal: this.#ended.signal });
  }

  /** @param {MediaStreamTrack | null} track */
  #measure(track) {
    this.#meter?.stop();
    this.#meter = track && new Meter(track, (level) => this.tell("level", level));
  }
}

/** How loud a microphone is; it is measured, and not played: nobody hears themselves. */
class Meter {
  #audio = new AudioContext();
  #timer = 0;

  /**
   * @param {MediaStreamTrack} track
   * @param {(level: number) => void} tell
   */
  constructor(track, tell) {
    const analyser = this.#audio.createAnalyser();
    analyser.fftSize = 1024;
    this.#audio.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    void this.#audio.resume(); // may have to wait for a touch
    const wave = new Float32Array(analyser.fftSize);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(wave);
      tell(loudness(wave));
    }, METER);
  }

  stop() {
    clearInterval(this.#timer);
    void this.#audio.close();
  }
}

/** From -60 dB to -10 dB as 0 to 1: what a person takes for silent and for loud. Pure. @param {ArrayLike<number>} wave from -1 to 1 */
export function loudness(wave) {
  const power = Array.from(wave).reduce((sum, value) => sum + value * value, 0) / (wave.length || 1);
  return Math.min(1, Math.max(0, (10 * Math.log10(power || 1e-12) + 60) / 50));
}

/** @param {Kind} kind @returns {Promise<PermissionStatus | null>} null: this browser does not say */
async function permitted(kind) {
  try {
    return await navigator.permissions.query({ name: /** @type {PermissionName} */ (NAMES[kind]) });
  } catch {
    return null;
  }
}

/** Whether sound can be sent to a chosen speaker here. */
export const canChooseSpeaker = () => "setSinkId" in HTMLMediaElement.prototype;

/**
 * Send an element's sound to a speaker ("" is the browser's).
 * @param {HTMLMediaElement} element
 * @param {string} id
 * @returns {Promise<boolean>} whether it does
 */
export async function toSpeaker(element, id) {
  try {
    await element.setSinkId(id);
    return true;
  } catch {
    return false; // this browser cannot, or it is not there any more
  }
}

const NOTES = [523.3, 659.3, 784]; // hertz

/**
 * Three notes through a speaker, to ask "did you hear it?".
 * @param {string} id
 */
export async function testSound(id) {
  const audio = new AudioContext();
  await /** @type {any} */ (audio).setSinkId?.(id).catch(() => undefined);
  await audio.resume();
  for (const [order, pitch] of NOTES.entries()) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    const from = audio.currentTime + order * 0.25;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.2, from + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, from + 0.6);
    tone.connect(volume).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.6);
    if (order === NOTES.length - 1) tone.onended = () => void audio.close();
  }
}

/** Whether this browser can share a screen (phones cannot). */
export const canShare = () => !!navigator.mediaDevices?.getDisplayMedia;

/**
 * Ask for a screen, window or tab. `ended` is called when the person stops it from the browser's own bar.
 * @param {() => void} ended
 * @returns {Promise<MediaStreamTrack | Code>}
 */
export async function shareScreen(ended) {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { max: 15 } },
      audio: false,
      .../** @type {any} */ ({ preferCurrentTab: false, selfBrowserSurface: "exclude", surfaceSwitching: "include" }),
    });
    const [track] = stream.getVideoTracks();
    if (!track) return "failed";
    track.contentHint = "detail";
    track.onended = ended;
    return track;
  } catch (error) {
    return codeOf(/** @type {Error} */ (error), { permission: "prompt", secure: isSecureContext });
  }
}
