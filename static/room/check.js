// Before the call: how one takes part, and whether microphone, camera, speaker and network do what they should. Nothing here holds
// anybody up: "Join now" is there from the first moment, and what cannot be had is simply not used.

import { element } from "../shared/text.js";
import { browserOf } from "./browsers.js";
import { testSound } from "./devices.js";
import { reach } from "./network.js";
import { customer, given, post, press, say, the, words, write } from "./page.js";
import { play } from "./stage.js";
import { help, ways } from "./standing.js";

/**
 * @typedef {import("./devices.js").Code} Code
 * @typedef {import("./devices.js").Kind} Kind
 * @typedef {import("./standing.js").Way} Way
 * @typedef {{ call: import("./call.js").Call, devices: import("./devices.js").Devices, join: () => void }} Parts
 */

const HEARD = 0.05; // of 1: a level from which the microphone has shown that it works
/** @type {Partial<Record<Code, "permission" | "device_busy" | "browser" | "no_device">>} */
const FAILURES = {
  denied: "permission", dismissed: "permission", system: "permission", policy: "permission",
  busy: "device_busy", failed: "device_busy", none: "no_device", unfit: "no_device",
  insecure: "browser", unsupported: "browser",
};

/**
 * A list among the page's words.
 * @param {string} name
 * @returns {string[]}
 */
const list = (name) => /** @type {any} */ (words)[name] ?? [];

/**
 * The same in one sentence or two, for where there is no room for a panel; "" when there is nothing to say.
 * @param {Record<Kind, Code | "">} problems
 * @param {import("./browsers.js").Browser} browser
 */
export function inShort(problems, browser) {
  const found = help(problems, browser);
  return found ? [`${say(found.title)}.`, ...list(found.steps)].join(" ") : "";
}

export class Check {
  /** @type {Way} */ way = "text";
  has = { mic: false, cam: false };
  #opening = false;
  #heard = false;

  /** @param {Parts} parts */
  constructor({ call, devices, join }) {
    this.call = call;
    this.devices = devices;
    this.browser = browserOf(navigator.userAgent, navigator.maxTouchPoints);
    the("join").addEventListener("click", join);
    the("join").disabled = false; // until now nobody would have heard it
    the("ways").addEventListener("change", (/** @type {any} */ { target }) => void this.#choose(target.value));
    the("help-again").addEventListener("click", () => void this.#open());
    the("check-mic").addEventListener("click", () => this.#toggleMic());
    the("check-cam").addEventListener("click", () => void this.#toggleCam());
    devices.on("track", () => this.show());
    devices.on("problem", ({ code }) => {
      const failure = code && FAILURES[code];
      if (failure) call.failed(failure);
      this.show();
    });
    devices.on("permission", ({ kind, state }) => state === "granted" && this.#wants(kind) && !devices.tracks[kind] && void this.#open());
    devices.on("lists", () => void this.#look());
    devices.on("level", (level) => this.#level(level));
    this.#speaker();
  }

  /** Look at what there is, and open it. @returns {Promise<boolean>} whether there is nothing to help with */
  async start() {
    this.has = await this.devices.look();
    this.#choices();
    this.way = ways(given.medium, this.has, Boolean(given.phone))[0] ?? "text";
    the("ways").querySelector(`[value="${this.way}"]`).checked = true;
    if (given.medium !== "text") void this.#network();
    await this.#open();
    return help({ mic: this.#problem("mic"), cam: this.#problem("cam") }, this.browser) === null;
  }

  /** @param {Kind} kind */
  #wants(kind) {
    return this.way === "video" || (this.way === "audio" && kind === "mic");
  }

  async #look() {
    const { mic, cam } = this.devices.lists;
    this.has = { mic: mic.length > 0, cam: cam.length > 0 };
    this.#choices();
    this.show();
  }

  #choices() {
    const there = new Set(ways(given.medium, this.has, Boolean(given.phone)));
    for (const label of the("ways").querySelectorAll("[data-way]")) label.hidden = !there.has(label.dataset.way) && label.dataset.way !== this.way;
  }

  /** @param {Way} way */
  async #choose(way) {
    this.way = way;
    const note = document.getElementById("by-phone");
    if (note) note.hidden = way !== "phone";
    if (!this.#wants("mic")) await this.devices.close("mic");
    if (!this.#wants("cam")) await this.devices.close("cam");
    await this.#open();
  }

  async #open() {
    this.#opening = true;
    this.show();
    const wanted = /** @type {Kind[]} */ (["mic", "cam"]).filter((kind) => this.#wants(kind) && this.has[kind] && !this.devices.tracks[kind]);
    await this.devices.openAll(wanted);
    this.#opening = false;
    this.show();
  }

  #toggleMic() {
    this.call.mute(!this.call.muted);
    this.show();
  }

  async #toggleCam() {
    if (this.devices.tracks.cam) await this.devices.close("cam");
    else await this.devices.open("cam");
    this.show();
  }

  show() {
    const { tracks, problems } = this.devices;
    const video = the("mirror-video");
    if (tracks.cam && video.srcObject?.getVideoTracks()[0] !== tracks.cam) {
      video.srcObject = new MediaStream([tracks.cam]);
      void play(video);
    }
    if (!tracks.cam) video.srcObject = null;
    video.hidden = !tracks.cam;
    video.toggleAttribute("data-mirrored", true);
    write(the("mirror-word"), this.#mirrored());
    the("check-mic").hidden = !tracks.mic;
    press("check-mic", !this.call.muted);
    the("check-cam").hidden = !(this.way === "video" && this.has.cam && !problems.cam);
    press("check-cam", Boolean(tracks.cam));
    the("test-mic").hidden = Boolean(problems.mic);
    the("tests").hidden = this.way === "text" || this.way === "phone";
    this.#help(help({ mic: this.#problem("mic"), cam: this.#problem("cam") }, this.browser));
  }

  /**
   * What is wrong with a device that is wanted.
   * @param {Kind} kind
   * @returns {Code | ""}
   */
  #problem(kind) {
    if (!isSecureContext && given.medium !== "text") return "insecure"; // browsers do not even tell what there is
    return this.#wants(kind) ? this.devices.problems[kind] : "";
  }

  #mirrored() {
    if (this.devices.tracks.cam) return "";
    if (this.way === "text") return say("check_text");
    if (this.way === "phone") return say("check_phone");
    if (this.#opening) return say(this.devices.lists.mic.some(({ name }) => name) ? "check_opening" : "check_asking");
    return this.way === "audio" ? say("check_sound_only") : say("check_camera_off");
  }

  /** @param {ReturnType<typeof help>} found */
  #help(found) {
    the("help").hidden = !found;
    if (!found) return;
    write(the("help-title"), say(found.title));
    write(the("help-word"), say(found.word));
    const steps = list(found.steps);
    if (the("help-steps").childElementCount !== steps.length) the("help-steps").replaceChildren(...steps.map((one) => element("li", {}, one)));
    the("help-steps").hidden = !steps.length;
    the("help-again").hidden = !found.again;
  }

  /**
   * Who is on the other side.
   * @param {import("./signal.js").Room} room
   */
  peer({ state, peer, presence }) {
    const name = peer.name || given.peer || given.organisation;
    const there = peer.here || presence === "available" || presence === "busy";
    const own = state === "admitted" ? "check_admitted" : there ? "check_here" : "check_soon";
    write(the("check-peer"), say(customer ? own : peer.here ? "check_customer_here" : "check_customer_soon", { name }));
    the("check-peer").toggleAttribute("data-good", state === "admitted" || peer.here);
  }

  /** @param {number} level */
  #level(level) {
    the("level").value = Math.min(1, level * 1.6);
    if (level < HEARD || this.#heard) return;
    this.#heard = true;
    write(the("test-mic-word"), say("mic_good"));
    the("test-mic").toggleAttribute("data-good", true);
  }

  #speaker() {
    const line = the("test-speaker");
    the("speaker-play").addEventListener("click", async () => {
      the("speaker-heard").hidden = false;
      await testSound(this.devices.chosen.speaker);
    });
    the("speaker-yes").addEventListener("click", () => {
      the("speaker-asked").hidden = true;
      write(the("speaker-word"), say("speaker_good"));
      line.toggleAttribute("data-good", true);
      line.toggleAttribute("data-bad", false);
      the("join").focus();
    });
    the("speaker-no").addEventListener("click", () => {
      the("speaker-heard").hidden = true;
      write(the("speaker-word"), say("speaker_bad"));
      line.toggleAttribute("data-bad", true);
      the("check-devices").open = true;
      the("speaker-play").focus();
    });
  }

  async #network() {
    const found = await reach(() => post(given.urls.check));
    write(the("network-word"), say(`network_${found}`));
    the("test-network").toggleAttribute("data-good", found === "good" || found === "direct");
    the("test-network").toggleAttribute("data-bad", found === "bad" || found === "none");
  }
}
