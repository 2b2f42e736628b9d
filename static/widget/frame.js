// A page of ours in a frame, and the port by which the two talk. The port goes to our origin alone, and nothing is heard from any
// other window.

/** @typedef {import("./inside").Widget} Widget */

export const ALLOW = "camera; microphone; display-capture; autoplay; fullscreen; picture-in-picture; clipboard-write; screen-wake-lock";

export class Frame {
  alive = false; // it has said something since it was loaded
  path = "";
  /** @type {MessagePort | null} */ #port = null;

  /**
   * @param {Widget} w
   * @param {string} title
   * @param {(message: any, frame: Frame) => void} heard
   */
  constructor(w, title, heard) {
    this.w = w;
    this.heard = heard;
    this.element = w.make("iframe", { allow: ALLOW, title });
    this.element.addEventListener("load", () => this.#hand());
    w.frames.add(this);
    watch(w);
  }

  /** @param {string} path of our pages, in the site's frame */
  go(path) {
    this.path = this.w.at + path;
    this.alive = false;
    this.element.src = this.w.base + this.path;
  }

  remove() {
    this.#port?.close();
    this.w.frames.delete(this);
    this.element.remove();
  }

  /** @param {object} message */
  tell(message) {
    this.#port?.postMessage(message);
  }

  /** Tell who is there, as the page vouches for it now. */
  async vouch() {
    if (!this.alive) return; // it asks
    const { w } = this;
    const { source } = w;
    let token = "";
    try {
      token = (typeof source === "function" ? await source() : source) || "";
    } catch (error) {
      console.error("presence: the page's own function could not say who is there", error);
    }
    if (w.source !== source) token = ""; // they have logged out, or in, meanwhile
    if (typeof source === "string") w.source = null; // a token is good for once
    this.tell({ t: "identity", token });
  }

  /** After each load the page is a new one: it gets a port of its own. */
  #hand() {
    const { port1, port2 } = new MessageChannel();
    this.#port?.close();
    this.#port = port1;
    this.alive = false;
    port1.onmessage = ({ data }) => {
      this.alive = true;
      if (data.t === "identity") void this.vouch();
      else if (data.t === "open") void this.w.api.open(data.what, { adviser: data.adviser });
      else this.heard(data, this);
    };
    this.element.contentWindow?.postMessage({ presence: 1 }, this.w.base, [port2]);
    this.tell(page(this.w));
    this.tell({ t: "scheme", scheme: this.w.look.scheme ?? this.w.settings?.theme.scheme });
    if (Object.keys(this.w.prefilled).length) this.tell({ t: "prefill", ...this.w.prefilled });
  }
}

/**
 * The page around, without what follows # in its address: secrets of other services come that way.
 * @param {Widget} w
 */
const page = (w) => ({ t: "page", url: location.href.split("#")[0], title: document.title, ...w.page });

const OURS = new Set(["presence", "ready", "close", "unread", "message", "call", "booked", "size", "identity", "talking", "popped", "refused", "open"]);
let watched = false;

/**
 * Follow where a single-page application goes, and say of messages that come by no port of ours that nobody listens to them.
 * @param {Widget} w
 */
function watch(w) {
  if (watched) return;
  watched = true;
  const moved = () => {
    w.page = {};
    setTimeout(() => w.frames.forEach((frame) => frame.tell(page(w)))); // its title comes after its address
  };
  const { navigation } = /** @type {any} */ (window);
  if (navigation) navigation.addEventListener("currententrychange", moved);
  else addEventListener("popstate", moved);
  addEventListener("message", ({ data, origin, source }) => {
    if (source === window || typeof data !== "object" || !data) return;
    if ("presence" in data || OURS.has(data.t)) console.warn(`presence: a message from ${origin} was ignored: pages of ours talk by the port that they are given`);
  });
}
