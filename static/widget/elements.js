// Elements that a page puts where it likes: whether somebody is there, a button that reaches them, booking, and the experts.

import { drawings } from "./drawings.js";
import { Frame } from "./frame.js";
import { address } from "./panel.js";

/**
 * @typedef {import("./inside").Widget} Widget
 * @typedef {import("./presence").What} What
 */

const STYLE = `
:host { display: inline-block; vertical-align: middle; margin-block: .25em; max-inline-size: 100%; }
:host([hidden]) { display: none; }
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
svg { flex: none; inline-size: 1.375em; block-size: 1.375em; fill: none; stroke: currentcolor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.text { unicode-bidi: plaintext; min-inline-size: 0; }
.dot { flex: none; inline-size: .75em; block-size: .75em; border: 2px solid var(--soft); border-radius: 50%; background: var(--surface); }
.available { border-color: var(--good); background: var(--good); }
.busy { border-color: var(--warn); background: linear-gradient(90deg, var(--warn) 50%, var(--surface) 50%); }
.away { border-color: var(--warn); }
.badge { display: inline-flex; align-items: center; gap: .5em; min-inline-size: 8em; padding: .25em .875em .25em .625em; border: 1px solid var(--line); border-radius: 2em; background: var(--surface); color: var(--ink); font-size: .9375em; line-height: 1.4; }
.badge:dir(rtl) { padding: .25em .625em .25em .875em; }
button { display: inline-flex; align-items: center; gap: .625em; min-block-size: 3em; max-inline-size: 100%; padding: .4em 1.25em .4em 1em; border: 1px solid var(--accent); border-radius: .5em; background: var(--accent); color: var(--on-accent); font: inherit; text-align: start; line-height: 1.3; cursor: pointer; }
button:dir(rtl) { padding: .4em 1em .4em 1.25em; }
button b { display: block; font-weight: 600; }
button:hover:enabled { background: color-mix(in oklab, var(--accent) 88%, var(--ink)); }
button:disabled { border-color: var(--line); background: var(--sunk); color: var(--soft); cursor: default; }
button:enabled .dot { box-shadow: 0 0 0 2px var(--surface); }
button small { display: flex; align-items: center; gap: .5em; font-size: .8125em; }
:host(presence-booking), :host(presence-experts) { display: block; }
iframe { display: block; inline-size: 100%; block-size: 100%; min-block-size: 34em; border: 0; color-scheme: inherit; }
@media (forced-colors: active) { .dot { forced-color-adjust: none; } }
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;
/** @type {Map<HTMLElement, Frame>} */
const frames = new Map();
/** @type {WeakMap<HTMLElement, string>} what each shows: nothing is made anew when it is the same */
const shown = new WeakMap();
/** @type {Set<string>} */
const unknown = new Set();

/**
 * Show every element as it stands.
 * @param {Widget} w
 */
export function show(w) {
  for (const [element, frame] of frames) {
    if (element.isConnected) continue;
    frame.remove();
    frames.delete(element);
  }
  for (const element of w.elements) {
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    sheet ??= w.sheet(STYLE);
    if (!root.adoptedStyleSheets.length) root.adoptedStyleSheets = [w.colours, sheet];
    const name = element.localName.slice("presence-".length);
    if (name === "badge") badge(w, element, root);
    else if (name === "button") button(w, element, root);
    else page(w, element, root, name === "booking" ? "book" : "experts");
  }
}

/**
 * Whom an element is about, and their presence: null where there is nobody of that name, undefined while nothing is known.
 * @param {Widget} w
 * @param {HTMLElement} element
 */
function there(w, element) {
  const kind = ["adviser", "service", "team"].find((one) => element.getAttribute(one));
  const name = kind ? `${kind}:${element.getAttribute(kind)}` : "site";
  const found = w.there[name];
  if (found === null && !unknown.has(name)) {
    unknown.add(name);
    console.warn(`presence: there is no ${name} for this site`);
  }
  return found;
}

/** @param {HTMLElement} element */
const about = (element) => ({
  adviser: element.getAttribute("adviser") ?? undefined,
  service: element.getAttribute("service") ?? undefined,
  team: element.getAttribute("team") ?? undefined,
});

/**
 * @param {HTMLElement} element
 * @param {ShadowRoot} root
 * @param {string} sign
 * @param {() => Node[]} parts
 */
function put(element, root, sign, parts) {
  if (shown.get(element) === sign) return;
  shown.set(element, sign);
  root.replaceChildren(...parts());
}

/**
 * @param {Widget} w
 * @param {HTMLElement} element
 * @param {ShadowRoot} root
 */
function badge(w, element, root) {
  const found = there(w, element);
  const text = w.told(found);
  put(element, root, text, () => {
    if (!found) return [];
    const made = w.make("span", { className: "badge" }, w.make("span", { className: `dot ${found.state}` }), w.make("span", { className: "text" }, text));
    made.setAttribute("part", "badge");
    return [made];
  });
}

/**
 * @param {Widget} w
 * @param {HTMLElement} element
 * @param {ShadowRoot} root
 */
function button(w, element, root) {
  const offered = w.settings?.capabilities ?? [];
  const kind = element.getAttribute("kind") ?? "chat";
  const what = /** @type {What} */ (kind === "call" ? (offered.includes("audio") ? "audio" : "video") : kind);
  const found = there(w, element);
  const call = what === "audio" || what === "video";
  const able = Boolean(found) && offered.includes(what) && (!call || found?.state === "available");
  const state = what === "book" ? "" : w.told(found);
  const label = w.settings?.words[kind] ?? w.settings?.words[what] ?? "";
  put(element, root, [what, able, state, label].join(), () => {
    const held = root.activeElement !== null;
    const text = w.make("span", { className: "text" }, w.make("b", {}, w.make("slot", {}, label)));
    if (state) text.append(w.make("small", {}, w.make("span", { className: `dot ${found?.state}` }), w.make("span", {}, state)));
    const made = w.make("button", { type: "button", disabled: !able, hidden: Boolean(found) && !offered.includes(what), onclick: () => void w.api.open(what, about(element)) }, w.icon(drawings[what]), text);
    made.setAttribute("part", "button");
    if (held) queueMicrotask(() => made.focus());
    return [made];
  });
}

/**
 * @param {Widget} w
 * @param {HTMLElement} element
 * @param {ShadowRoot} root
 * @param {"book" | "experts"} what
 */
function page(w, element, root, what) {
  if (!w.settings?.capabilities.includes(what)) return;
  let frame = frames.get(element);
  if (!frame && !w.there.site) return; // our server cannot be reached: a browser's own words would stand there
  const path = `${address(what, about(element))}&inline=1`;
  if (!frame) {
    frame = new Frame(w, w.settings.words[what] ?? "", ({ t, ...detail }, { element }) => {
      if (t === "size" && detail.height > 0) element.style.blockSize = `${Math.ceil(detail.height)}px`;
      else if (t === "call" || t === "message" || t === "booked" || t === "refused") w.emit(t, detail);
    });
    frames.set(element, frame);
    frame.go(path);
    root.replaceChildren(frame.element);
  } else if (frame.path !== w.at + path) frame.go(path);
}
