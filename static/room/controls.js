// What one can do in the room: by its buttons, and by the keyboard.

import { menu } from "../shared/menu.js";
import { remember, remembered } from "../shared/remembered.js";
import { dialogs, open } from "../chat/dialogs.js";
import { Captions, captionable } from "./captions.js";
import { canShare, shareScreen } from "./devices.js";
import { announce, customer, given, press, say, the } from "./page.js";
import { canFloat, float } from "./pip.js";

/**
 * @typedef {import("./call.js").Call} Call
 * @typedef {import("./devices.js").Devices} Devices
 * @typedef {{ talk: import("./talk.js").Talk, has: () => { mic: boolean, cam: boolean }, leave: () => void, complain: (text: string) => void }} Parts
 */

const TYPED = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";

export class Controls {
  /** @type {MediaStreamTrack | null} */ #screen = null;
  /** @type {Captions | null} */ #captions = null;

  /**
   * @param {Call} call
   * @param {Devices} devices
   * @param {Parts} parts
   */
  constructor(call, devices, parts) {
    this.call = call;
    this.devices = devices;
    this.parts = parts;
    menu(the("more"), the("menu"), () => this.show());
    dialogs();
    /** @type {Record<string, () => void>} */
    const acts = {
      mic: () => void this.mic(),
      cam: () => void this.cam(),
      share: () => void this.share(),
      "stop-sharing": () => this.#unshare(),
      "open-chat": () => parts.talk.toggle(),
      "talk-close": () => parts.talk.close(),
      leave: () => this.#leave(),
      "audio-only": () => this.#pictures(),
      "pictures-again": () => call.audioOnly(false),
      blur: () => void devices.blur(!devices.blurred).then(() => this.show()),
      caption: () => void this.#caption(),
      pip: () => void float(the("remote-video")).then(() => this.show(), () => undefined),
      full: () => void this.#full(),
    };
    for (const [id, act] of Object.entries(acts)) the(id).addEventListener("click", act);
    for (const button of document.querySelectorAll("[data-open-chat]")) button.addEventListener("click", () => parts.talk.open());
    the("leaving").addEventListener("close", (/** @type {any} */ { target }) => {
      if (target.returnValue === "leave") parts.leave();
      target.returnValue = "";
    });
    devices.on("track", () => this.show());
    devices.on("lists", () => this.show());
    call.on("pictures", () => this.show());
    document.addEventListener("fullscreenchange", () => this.show());
    document.addEventListener("keydown", (event) => this.#keyed(event));
    the("keys-on").checked = remembered("room-keys") !== "0";
    the("keys-on").addEventListener("change", () => remember("room-keys", the("keys-on").checked ? "" : "0"));
    void captionable(document.documentElement.lang).then((can) => (the("caption").hidden = !can));
  }

  show() {
    const { call, devices } = this;
    const has = this.parts.has();
    const talking = call.room?.state === "admitted";
    the("mic").hidden = !has.mic;
    press("mic", Boolean(devices.tracks.mic) && !call.muted);
    the("cam").hidden = !has.cam;
    press("cam", Boolean(devices.tracks.cam));
    the("share").hidden = !talking || !canShare();
    press("share", this.#screen !== null);
    the("sharing").hidden = this.#screen === null;
    the("audio-only").hidden = !talking || given.medium === "text";
    press("audio-only", call.pictures.by === "hand");
    the("blur").hidden = devices.blurred === null;
    press("blur", devices.blurred === true);
    press("caption", this.#captions !== null);
    the("pip").hidden = the("remote-video").hidden || !canFloat(the("remote-video"));
    press("pip", document.pictureInPictureElement !== null);
    the("full").hidden = !document.fullscreenEnabled;
    press("full", document.fullscreenElement !== null);
  }

  // -- devices ------------------------------------------------------------------------------------------------------------

  async mic() {
    const { call, devices } = this;
    if (devices.tracks.mic) call.mute(!call.muted);
    else {
      call.mute(false);
      await devices.open("mic");
    }
    this.show();
    announce(say(devices.tracks.mic && !call.muted ? "told_mic_on" : "told_mic_off"));
  }

  async cam() {
    const { devices } = this;
    if (devices.tracks.cam) await devices.close("cam");
    else {
      if (!this.call.pictures.on && this.call.pictures.by !== "other") this.call.audioOnly(false); // who turns the camera on wants pictures
      await devices.open("cam");
    }
    this.show();
    announce(say(devices.tracks.cam ? "told_cam_on" : "told_cam_off"));
  }

  async share() {
    if (this.#screen) return this.#unshare();
    if (the("share").hidden) return;
    const found = await shareScreen(() => this.#unshare());
    if (typeof found === "string") {
      if (found === "system") this.parts.complain(say("share_system"));
      else if (found !== "dismissed" && found !== "denied") this.parts.complain(say("share_failed"));
      return;
    }
    this.#screen = found;
    this.call.set("screen", found);
    this.show();
  }

  #unshare() {
    const within = the("sharing").contains(document.activeElement);
    this.#screen?.stop();
    this.#screen = null;
    this.call.set("screen", null);
    this.show();
    if (within) the("share").focus();
  }

  #pictures() {
    this.call.audioOnly(this.call.pictures.by !== "hand");
    this.show();
  }

  async #caption() {
    const { mic } = this.devices.tracks;
    if (this.#captions) this.#captions.stop();
    this.#captions = this.#captions || !mic ? null : new Captions(document.documentElement.lang, (text, final) => this.call.say(text, final));
    if (mic) this.#captions?.start(mic);
    this.show();
  }

  async #full() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await the("room").requestFullscreen().catch(() => undefined);
  }

  /** Let go of everything. */
  stop() {
    this.#captions?.stop();
    this.#captions = null;
    if (this.#screen) this.#unshare();
    if (document.pictureInPictureElement) void document.exitPictureInPicture();
    if (document.fullscreenElement) void document.exitFullscreen();
  }

  // -- leaving ------------------------------------------------------------------------------------------------------------

  #leave() {
    const asks = !customer || this.call.room?.state === "admitted";
    if (asks) open(the("leaving"));
    else this.parts.leave();
  }

  /** @param {KeyboardEvent} event */
  #keyed(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const typing = target instanceof Element && target.closest(TYPED);
    if (key === "Escape") {
      if (!the("chat").hidden && !the("talk-close").hidden && document.activeElement?.closest("#chat")) this.parts.talk.close();
      return;
    }
    if (typing || the("controls").hidden || !the("keys-on").checked) return;
    /** @type {Record<string, () => void>} */
    const acts = {
      m: () => !the("mic").hidden && void this.mic(),
      c: () => !the("cam").hidden && void this.cam(),
      s: () => void this.share(),
      t: () => this.parts.talk.toggle(),
      "?": () => open(the("keys")),
    };
    const act = acts[key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
