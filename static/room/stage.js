// The pictures: the other's large, one's own small, a screen larger than both; and what is there instead of a picture.

import { announce, given, say, tell, the, write } from "./page.js";
import { speaking } from "./speaking.js";
import { instead } from "./standing.js";

/**
 * @typedef {import("./call.js").Call} Call
 * @typedef {import("./devices.js").Devices} Devices
 */

const CORNERS = ["end-end", "end-start", "start-start", "start-end"]; // block, inline: clockwise from the lower right
const CUT = 0.35; // of a picture that may be lost when it fills its place
const [TALLEST, WIDEST] = [3 / 4, 16 / 9]; // of a small picture's place
const DRAG = 6; // pixels from which a press is a drag

/**
 * Whether a picture is to be shown whole: filling its place would cut too much of it. Pure.
 * @param {{ width: number, height: number }} picture
 * @param {{ width: number, height: number }} place
 */
export function whole(picture, place) {
  if (!picture.width || !picture.height || !place.width || !place.height) return false;
  const ratio = picture.width / picture.height / (place.width / place.height);
  return 1 - Math.min(ratio, 1 / ratio) > CUT;
}

export class Stage {
  #stops = () => {};
  #corner = 0;
  #shared = false;

  /**
   * @param {Call} call
   * @param {Devices} devices
   */
  constructor(call, devices) {
    this.call = call;
    this.devices = devices;
    call.on("remote", ({ kind, stream }) => this.#came(kind, stream));
    call.on("theirs", () => this.show());
    call.on("pictures", () => this.show());
    call.on("said", ({ text }) => this.#caption(text));
    devices.on("track", () => this.#own());
    the("reconnect").addEventListener("click", () => call.again());
    the("hear").addEventListener("click", () => {
      the("hear").hidden = true;
      for (const id of ["remote-audio", "remote-video", "shown-video"]) void play(the(id));
    });
    for (const name of ["remote", "own"]) {
      const [tile, video] = [the(name), the(`${name}-video`)];
      const fit = () => {
        const { videoWidth: width, videoHeight: height } = video;
        video.toggleAttribute("data-whole", whole({ width, height }, tile.getBoundingClientRect()));
        if (!width || !height) return;
        tile.style.setProperty("--aspect", String(Math.min(WIDEST, Math.max(TALLEST, width / height)))); // of a small tile
        tile.toggleAttribute("data-tall", height > width);
      };
      video.addEventListener("resize", fit);
      new ResizeObserver(fit).observe(tile);
    }
    the("own-video").toggleAttribute("data-mirrored", true);
    this.#movable();
  }

  /** Show everything as it is now. */
  show() {
    const { room, theirs, state, pictures, remote } = this.call;
    if (!room) return;
    const name = room.peer.name || given.peer || given.organisation;
    const there = state.link === "connected" || state.link === "reconnecting";
    const sees = there && theirs.cam && pictures.on && Boolean(remote.cam);
    const screen = there && theirs.screen && pictures.on && Boolean(remote.screen);
    the("remote-video").hidden = !sees;
    the("shown").hidden = !screen;
    the("stage").dataset.layout = screen ? "screen" : "peer";
    write(the("remote-name"), name);
    write(the("shown-name"), say("shows", { name }));
    write(the("remote-word"), say(instead(room, state, theirs), { name }));
    the("remote-ways").hidden = state.link !== "text" || room.medium === "text";
    the("remote-muted").hidden = !there || theirs.mic || !(theirs.cam || theirs.screen || room.medium !== "text");
    if (screen !== this.#shared) {
      this.#shared = screen;
      announce(say(screen ? "told_shares" : "told_shares_not", { name }));
    }
    this.#own();
  }

  /**
   * @param {import("./peer.js").Kind} kind
   * @param {MediaStream} stream
   */
  #came(kind, stream) {
    const element = the({ mic: "remote-audio", cam: "remote-video", screen: "shown-video" }[kind]);
    element.srcObject = stream;
    if (kind !== "mic") element.muted = true; // the sound has an element of its own
    void play(element).then((plays) => kind === "mic" && !plays && (the("hear").hidden = false));
    if (kind === "mic") {
      this.#stops();
      this.#stops = speaking(stream, (speaks) => the("remote").toggleAttribute("data-speaks", speaks));
    }
    this.show();
  }

  #own() {
    const { cam } = this.devices.tracks;
    const on = cam !== null && (this.call.pictures.on || this.call.pictures.by === "");
    const video = the("own-video");
    if (cam && video.srcObject?.getVideoTracks()[0] !== cam) {
      video.srcObject = new MediaStream([cam]);
      void play(video);
    } else if (!cam) video.srcObject = null;
    video.hidden = !on;
    the("own-muted").hidden = Boolean(this.devices.tracks.mic) && !this.call.muted;
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */ #fades;
  /** @param {string} text of theirs */
  #caption(text) {
    tell("captions", text);
    clearTimeout(this.#fades);
    this.#fades = setTimeout(() => tell("captions", ""), 6_000);
  }

  // -- one's own picture is where one wants it ----------------------------------------------------------------------------

  #movable() {
    const [tile, handle] = [the("own"), the("own-move")];
    this.#place(0);
    /** @type {{ x: number, y: number } | null} */
    let from = null;
    let dragged = false;
    handle.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      from = { x: event.clientX, y: event.clientY };
      dragged = false;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (!from) return;
      const [x, y] = [event.clientX - from.x, event.clientY - from.y];
      if (!dragged && Math.hypot(x, y) < DRAG) return;
      dragged = true;
      tile.toggleAttribute("data-held", true);
      tile.style.translate = `${x}px ${y}px`;
    });
    const drop = () => {
      if (from && dragged) this.#place(this.#nearest());
      from = null;
      tile.style.translate = "";
      tile.toggleAttribute("data-held", false);
    };
    handle.addEventListener("pointerup", drop);
    handle.addEventListener("pointercancel", drop);
    handle.addEventListener("click", () => {
      if (dragged) return void (dragged = false);
      this.#place((this.#corner + 1) % CORNERS.length);
      announce(say("told_moved", { corner: say(`corner_${CORNERS[this.#corner]}`) }));
    });
  }

  /** @param {number} corner */
  #place(corner) {
    this.#corner = corner;
    the("own").dataset.corner = CORNERS[corner] ?? "";
  }

  #nearest() {
    const [own, all] = [the("own").getBoundingClientRect(), the("own").parentElement.getBoundingClientRect()];
    const low = own.top + own.height / 2 > all.top + all.height / 2;
    const right = own.left + own.width / 2 > all.left + all.width / 2;
    const end = right === (getComputedStyle(the("own")).direction === "ltr");
    return CORNERS.indexOf(`${low ? "end" : "start"}-${end ? "end" : "start"}`);
  }
}

/**
 * @param {HTMLMediaElement} element
 * @returns {Promise<boolean>} whether the browser lets it
 */
export async function play(element) {
  try {
    await element.play();
    return true;
  } catch (error) {
    return !(error instanceof DOMException && error.name === "NotAllowedError");
  }
}

