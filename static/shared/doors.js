// What the live connection's client needs of a browser; tests bring their own.

import { inDatabase } from "./outbox.js";

/**
 * @typedef {import("./link.js").Doors & {
 *   visible: () => boolean,
 *   attach: (page: Told) => () => void,
 * }} PageDoors `attach` tells a page's client what happens to it, until the function that it returns is called
 * @typedef {PageDoors & import("./tabs.js").TabDoors & { keeping: import("./outbox.js").Keeping }} LiveDoors
 * @typedef {{ tick(): void, check(): void, touched(input: boolean): void, pause(): void, resume(): void }} Told
 */

/**
 * The real world.
 * @param {string} scope
 * @returns {LiveDoors}
 */
export function browser(scope) {
  return {
    ...pageDoors(),
    locks: navigator.locks,
    channel: "BroadcastChannel" in globalThis ? (name) => new BroadcastChannel(name) : undefined,
    keeping: inDatabase(scope),
  };
}

/**
 * What one page sees of it.
 * @returns {PageDoors}
 */
export function pageDoors() {
  return {
    socket: (url) => new WebSocket(url),
    now: () => Date.now(), // unlike performance.now it goes on while the machine sleeps
    later: (act, ms) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
    visible,
    attach,
  };
}

/** Where the socket is, of the page's own origin. */
export function address() {
  return location.origin.replace(/^http/, "ws") + "/live";
}

// A panel that another site's page has closed is not looked at, though browsers think so: it has no height then.
const visible = () => document.visibilityState === "visible" && innerHeight > 0 && document.documentElement.dataset.shown !== "hide";

/**
 * @param {Told} page
 * @returns {() => void}
 */
function attach(page) {
  const stopped = new AbortController();
  const { signal } = stopped;
  /** @type {(where: EventTarget, names: string, act: (event: any) => void) => void} */
  const when = (where, names, act) => {
    for (const name of names.split(" ")) where.addEventListener(name, act, { signal, passive: true, capture: true });
  };
  when(globalThis, "online offline", () => page.check());
  when(globalThis, "pointerdown pointermove keydown wheel touchstart", () => page.touched(true));
  when(globalThis, "pagehide", () => page.pause());
  when(globalThis, "pageshow", (event) => event.persisted && page.resume());
  when(document, "freeze", () => page.pause());
  when(document, "resume", () => page.resume());
  when(document, "visibilitychange", () => {
    page.touched(visible());
    if (visible()) page.check();
  });
  page.touched(visible());
  signal.addEventListener("abort", ticking(() => page.tick()));
  return () => stopped.abort();
}

/**
 * @param {() => void} tick
 * @returns {() => void} stops it
 */
function ticking(tick) {
  try {
    const worker = new Worker(new URL("./ticker.js", import.meta.url));
    worker.onmessage = tick;
    return () => worker.terminate();
  } catch {
    const timer = setInterval(tick, 5000);
    return () => clearInterval(timer);
  }
}
