// The page that frames us, where another site's does. After each load it hands us a port, once: nothing is heard or said by any other
// way, and from nobody but a page of that site. Without a host nothing happens: what is told waits, and nobody hears it.
//
//   on("identity", ({ token }) => ...);      what it tells
//   tell({ t: "unread", count: 2 });         what it is told

/** @typedef {{ t: string, [field: string]: any }} Message docs/embedding.md lists them */

const MOST = 50; // messages that wait for the port
const ONCE = new Set(["identity", "forget"]); // good for who hears it first

const { dataset } = document.documentElement;
const origins = new Set([...(dataset.origins ?? "").split(" ").filter(Boolean), location.origin]); // ours: the desk's preview

/** Whether another page frames us. */
export const framed = parent !== self;

/** @type {MessagePort | null} */
let port = null;
/** @type {Message[]} */
let waiting = [];
/** @type {Map<string, Set<(message: any) => void>>} */
const listeners = new Map();
/** @type {Map<string, Message>} what was told last, for who listens later */
const latest = new Map();

/** @param {Message} message */
export function tell(message) {
  if (!framed) return;
  if (port) port.postMessage(message);
  else waiting = [...waiting, message].slice(-MOST);
}

/**
 * @param {string} t
 * @param {(message: any) => void} listener is told at once what was said before it listened
 * @returns {() => void} stops listening
 */
export function on(t, listener) {
  const all = listeners.get(t) ?? new Set();
  listeners.set(t, all.add(listener));
  const before = latest.get(t);
  if (ONCE.has(t)) latest.delete(t);
  if (before) queueMicrotask(() => all.has(listener) && listener(before));
  return () => void all.delete(listener);
}

/**
 * The next message of a kind.
 * @param {string} t
 * @param {number} ms after which it is not waited for any more
 * @returns {Promise<any>} null when none came
 */
export function next(t, ms) {
  return new Promise((done) => {
    /** @param {any} message */
    const end = (message) => {
      clearTimeout(timer);
      deaf();
      done(message);
    };
    const timer = setTimeout(end, ms, null);
    const deaf = on(t, end);
  });
}

/** @param {any} message of the host's */
function heard(message) {
  if (typeof message?.t !== "string") return;
  const all = [...(listeners.get(message.t) ?? [])];
  if (!all.length || !ONCE.has(message.t)) latest.set(message.t, message);
  for (const listener of all) listener(message);
}

/**
 * Why a message is not the host's; "" when it is.
 * @param {MessageEvent} event
 */
function wrong({ source, origin, data, ports }) {
  if (source !== parent) return "it does not come from the page that frames us";
  if (!origins.has(origin)) return `${origin} is not among the origins of this site`;
  if (data?.presence !== 1 || !ports[0]) return "it does not hand over a port";
  return "";
}

/** @param {MessageEvent} event */
function handed(event) {
  if (event.source === self) return; // extensions talk to themselves
  const why = wrong(event);
  if (why) {
    console.error(`presence: a message from ${event.origin} was refused: ${why}`);
    return;
  }
  port?.close();
  port = /** @type {MessagePort} */ (event.ports[0]);
  port.onmessage = ({ data }) => heard(data);
  port.postMessage({ t: "here" }); // whatever page of ours this is, its head takes the place of the host's
  for (const message of waiting.splice(0)) port.postMessage(message);
  heard({ t: "port" });
}

if (framed) {
  dataset.framed = "";
  addEventListener("message", handed);
  // The host's light, where it has one of its own.
  on("scheme", ({ scheme }) => {
    if (scheme === "light" || scheme === "dark") dataset.scheme = scheme;
    else delete dataset.scheme;
  });
  // Who has closed the panel does not look at us, though browsers think so.
  for (const t of ["show", "hide"]) {
    on(t, () => {
      dataset.shown = t;
      document.dispatchEvent(new Event("visibilitychange"));
    });
  }
  for (const button of document.querySelectorAll("[data-host-close]")) {
    /** @type {HTMLElement} */ (button).hidden = false;
    button.addEventListener("click", () => tell({ t: "close" }));
  }
}
