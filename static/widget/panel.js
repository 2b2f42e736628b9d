// What opens: the choice of what the site offers, and the panel with our pages in it.

import { Frame } from "./frame.js";
import { CLOSE, drawings } from "./drawings.js";

/**
 * @typedef {import("./inside").Widget} Widget
 * @typedef {import("./presence").What} What
 * @typedef {import("./presence").About} About
 */

const STYLE = `
dialog { position: absolute; inset: auto; inset-inline-end: 0; inset-block-end: 0; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 1em; background: var(--surface); color: var(--ink); box-shadow: var(--shadow); overflow: hidden; }
.start dialog { inset-inline: 0 auto; }
dialog:focus { outline: none; }
.menu { inset-block-end: calc(100% + .75em); inline-size: 21em; max-inline-size: calc(100vw - 2em); max-block-size: calc(100dvh - 8em); padding: 1.25em; overflow: auto; }
.menu img { display: block; max-inline-size: 9em; max-block-size: 2.5em; margin-block-end: .75em; }
h2 { margin: 0; font: 600 1.1875em/1.3 system-ui, sans-serif; text-wrap: balance; }
p { margin: 0; }
.lede { margin-block-start: .25em; color: var(--soft); text-wrap: pretty; }
.menu .state { margin-block: .625em .25em; font-size: .9375em; }
.menu ul { display: grid; gap: .5em; margin: .875em 0 0; padding: 0; list-style: none; }
.way { display: flex; align-items: center; gap: .75em; inline-size: 100%; min-block-size: 3.25em; padding: .5em .875em; border: 1px solid var(--line); border-radius: .75em; background: none; color: var(--ink); text-align: start; font-weight: 600; }
.way svg { color: var(--accent); }
.way:hover { border-color: var(--accent); background: var(--sunk); }
.way.first { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.way.first svg { color: inherit; }
.way.first:hover { background: color-mix(in oklab, var(--accent) 88%, var(--ink)); }
.panel { inline-size: 25.5em; max-inline-size: calc(100vw - 2em); block-size: min(42em, 100dvh - 3em); }
.panel.wide { inline-size: 64em; block-size: min(50em, 100dvh - 3em); }
.panel[open] { display: flex; flex-direction: column; }
iframe { flex: 1; min-block-size: 0; inline-size: 100%; border: 0; color-scheme: inherit; }
.bar { display: flex; align-items: center; gap: .5em; min-block-size: 3.5em; padding-inline: 1.25em .5em; border-block-end: 1px solid var(--line); background: var(--surface); }
.bar b { flex: 1; min-inline-size: 0; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.round { display: grid; place-items: center; inline-size: 2.75em; block-size: 2.75em; padding: 0; border: 0; border-radius: 50%; background: none; color: var(--soft); }
.round:hover { background: var(--sunk); color: var(--ink); }
.slow { padding: 1em 1.25em; }
.slow a { color: var(--accent); }
@media (max-width: 30em), (max-height: 26em) {
.panel, .panel.wide { position: fixed; inset: 0; inline-size: 100%; max-inline-size: none; block-size: 100dvh; max-block-size: none; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) {
dialog[open] { animation: come .18s ease-out; }
@keyframes come { from { opacity: 0; translate: 0 .75em; } }
}
`;
const PHONE = "(max-width: 30em), (max-height: 26em)";
const SLOW = 8_000; // milliseconds after which a way round the frame is shown
const QUIET = 1_500; // milliseconds in which a page of ours speaks up after it has loaded

/** @type {Map<string, Frame>} by what is in it */
const frames = new Map();
/** @type {HTMLDialogElement} */
let menu;
/** @type {HTMLDialogElement} */
let panel;
/** @type {HTMLElement} */
let bar;
/** @type {Frame | null} */
let current = null;
let calling = false;
let slow = 0;
/** @type {(() => void)[]} */
const forgotten = [];

const phone = () => matchMedia(PHONE).matches;

/**
 * Where something is among our pages.
 * @param {What} what
 * @param {About} about
 */
export function address(what, { adviser, service, team }) {
  const query = new URLSearchParams({ embed: "1" });
  if (adviser) query.set("adviser", adviser);
  if (team && what !== "experts") query.set("team", team);
  if (what === "audio" || what === "video") query.set("call", what);
  const more = what === "book" ? service : what === "experts" ? team : "";
  const place = what === "book" || what === "experts" ? what : "chat";
  return `/${place}${more ? `/${encodeURIComponent(more)}` : ""}?${query}`;
}

/**
 * Make the two dialogs, once.
 * @param {Widget} w
 */
function made(w) {
  if (panel) return;
  const { make, root } = w;
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, w.sheet(STYLE)];
  const round = make("button", { type: "button", className: "round", onclick: () => close(w) }, w.icon(CLOSE));
  bar = make("div", { className: "bar" }, make("b", { className: "text" }), round);
  panel = make("dialog", { className: "panel", tabIndex: -1, oncancel: (/** @type {Event} */ event) => event.preventDefault() }, bar);
  menu = make("dialog", { className: "menu", tabIndex: -1 });
  root.append(make("div", {}, menu, panel));
  root.addEventListener("keydown", (event) => {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape" || !w.expanded) return;
    event.preventDefault();
    event.stopPropagation(); // a dialog of the page stays open
    close(w);
  });
  document.addEventListener("pointerdown", (event) => {
    if (w.expanded === "menu" && !event.composedPath().includes(w.host)) close(w, false);
  });
  w.drawn.add(() => drawn(w));
  drawn(w);
}

/**
 * Words, state and language may have changed.
 * @param {Widget} w
 */
function drawn(w) {
  const { words = {}, theme } = w.settings ?? {};
  const side = w.look.side ?? theme?.side;
  if (menu.parentElement) menu.parentElement.className = side === "start" ? "start" : "";
  panel.ariaLabel = words.title ?? "";
  const [title, round] = bar.children;
  if (title) title.textContent = words.title ?? "";
  if (round) round.ariaLabel = words.close ?? "";
  if (w.expanded === "menu") list(w);
  if (current && !calling && !current.path.startsWith(`${w.at}/`)) current.go(current.path.replace(/^\/at\/[^/]+\/[^/]+/, ""));
}

/**
 * What the site offers, as it is just now: a call where somebody is there to answer it.
 * @param {Widget} w
 * @returns {What[]}
 */
function ways(w) {
  const there = w.there.site?.state === "available";
  return (w.settings?.capabilities ?? []).filter((one) => there || (one !== "audio" && one !== "video"));
}

/** @param {Widget} w */
function list(w) {
  const { make, settings } = w;
  if (!settings) return;
  const { words } = settings;
  const site = w.there.site;
  const at = [...menu.querySelectorAll("button")].findIndex((one) => one === w.root.activeElement);
  const title = make("h2", { className: "text", id: "title" }, words.title ?? "");
  const said = [title];
  if (words.lede) said.push(make("p", { className: "lede text" }, words.lede));
  said.push(make("p", { className: "state" }, make("span", { className: `dot ${site?.state}` }), make("span", { className: "text" }, w.told(site))));
  const items = ways(w).map((what, index) => {
    const left = what === "chat" && site?.state !== "available" && site?.state !== "busy";
    const label = (left && words.message) || words[what] || what;
    const button = make("button", { type: "button", className: index ? "way" : "way first", onclick: () => open(w, what) }, w.icon(drawings[what]), make("span", { className: "text" }, label));
    return make("li", {}, button);
  });
  menu.setAttribute("aria-labelledby", "title");
  menu.replaceChildren(...said, make("ul", {}, ...items));
  if (settings.logo) {
    const logo = make("img", { src: w.base + settings.logo, alt: "" });
    logo.onerror = () => logo.remove();
    menu.prepend(logo);
  }
  if (at >= 0) menu.querySelectorAll("button")[at]?.focus();
}

/** @param {Widget} w */
export const toggle = (w) => (w.expanded ? close(w) : open(w));

/**
 * @param {Widget} w
 * @param {What} [what]
 * @param {About} [about]
 * @param {boolean} [focus]
 */
export function open(w, what, about = {}, focus = true) {
  made(w);
  const offered = w.settings?.capabilities ?? [];
  if (what && !offered.includes(what)) throw new Error(`this site does not offer "${what}"`);
  what ??= /** @type {What} */ (w.kept.open) || (w.kept.talking || w.unread ? "chat" : ways(w).length === 1 ? ways(w)[0] : undefined);
  if (what) return show(w, what, about, focus);
  if (w.expanded) return;
  w.expanded = "menu";
  list(w);
  menu.open = true;
  menu.querySelector("button")?.focus();
  w.draw();
}

/**
 * @param {Widget} w
 * @param {What} what
 * @param {About} about
 * @param {boolean} focus
 */
function show(w, what, about, focus) {
  if (menu.open) menu.close();
  const frame = framed(w, what, about);
  current = frame;
  for (const one of frames.values()) one.element.hidden = one !== frame;
  settle(w, frame);
  const seen = w.expanded === "panel";
  w.expanded = "panel";
  w.unread = 0;
  w.keep({ open: what === "audio" || what === "video" ? "chat" : what });
  if (!panel.open) {
    if (phone()) panel.showModal();
    else panel.open = true; // show() would take the focus
  }
  if (focus) (frame.alive ? frame.element : panel).focus();
  w.draw();
  frame.tell({ t: "show" });
  if (!seen) w.emit("opened", { what });
}

/**
 * The frame of what is asked for. A call is never ended by that.
 * @param {Widget} w
 * @param {What} what
 * @param {About} about
 */
function framed(w, what, about) {
  const name = what === "book" || what === "experts" ? what : "chat";
  let frame = frames.get(name);
  const path = address(what, about);
  if (!frame) {
    frame = new Frame(w, w.settings?.words.title ?? "", (message, from) => heard(w, name, message, from));
    frames.set(name, frame);
    const { element } = frame;
    element.addEventListener("load", () => setTimeout(() => current === frame && settle(w, frame), QUIET));
    frame.go(path);
    panel.append(element);
  } else if (!(calling && name === "chat") && frame.path !== w.at + path && (name !== "chat" || path !== address("chat", {}))) frame.go(path);
  return frame;
}

/**
 * The bar stands in for the page's own head until that is there; and when it does not come, there is a way round.
 * @param {Widget} w
 * @param {Frame} frame
 */
function settle(w, frame) {
  clearTimeout(slow);
  bar.hidden = frame.alive;
  panel.querySelector(".slow")?.remove();
  if (frame.alive) return;
  slow = setTimeout(() => {
    if (frame.alive || current !== frame) return;
    const link = w.make("a", { href: w.base + frame.path.replace("embed=1", "popout=1"), target: "_blank", rel: "noopener" }, w.settings?.words.popout ?? "");
    bar.after(w.make("p", { className: "slow" }, link));
    console.error(`presence: ${frame.path} does not show. Does the page's policy allow ${w.base} as frame-src, and is its origin among the site's?`);
  }, SLOW);
}

/**
 * @param {Widget} w
 * @param {string} name
 * @param {any} message
 * @param {Frame} frame
 */
function heard(w, name, message, frame) {
  const { t, ...detail } = message;
  if (!bar.hidden && current === frame) {
    settle(w, frame);
    if (w.root.activeElement === panel || bar.contains(w.root.activeElement)) frame.element.focus();
    if (w.expanded === "panel") frame.tell({ t: "show" });
  }
  if (w.kept.forget) void forget(w);
  else if (t === "close" && current === frame) close(w);
  else if (t === "popped") popped(w, name, frame);
  else if (t === "talking") w.keep({ talking: Boolean(detail.on) });
  else if (t === "unread") {
    w.unread = w.expanded === "panel" && current === frame ? 0 : Number(detail.count) || 0;
    w.draw();
  } else if (t === "call") {
    calling = detail.state !== "ended";
    panel.classList.toggle("wide", detail.state === "started" && detail.medium === "video");
    if (detail.state === "ringing" && w.expanded !== "panel" && !phone()) show(w, "chat", {}, false);
    w.emit("call", detail);
  } else if (t === "message" || t === "booked" || t === "refused") w.emit(t, detail);
}

/**
 * It goes on in a window of its own: here it would be there twice.
 * @param {Widget} w
 * @param {string} name
 * @param {Frame} frame
 */
function popped(w, name, frame) {
  w.keep({ talking: false });
  calling = false;
  if (current === frame) {
    close(w);
    current = null;
  }
  frame.remove();
  frames.delete(name);
}

/**
 * @param {Widget} w
 * @param {boolean} [back] whether the focus goes to the button
 */
export function close(w, back = true) {
  const was = w.expanded;
  if (!was) return;
  const inside = w.root.activeElement;
  w.expanded = "";
  w.keep({ open: "" });
  menu.close();
  panel.close();
  w.draw();
  if (back && inside) w.launcher.focus();
  if (was === "menu") return;
  current?.tell({ t: "hide" });
  w.emit("closed", {});
}

/**
 * As the page before this one left it: an open panel is open again, and a conversation is heard though it is closed. Nobody's
 * focus is moved.
 * @param {Widget} w
 */
export function resume(w) {
  made(w);
  const { kept } = w;
  if (kept.forget) return forget(w);
  const what = /** @type {What} */ (kept.open);
  if (what && !phone()) return show(w, what, {}, false);
  w.keep({ open: "" });
  if (kept.talking) framed(w, "chat", {});
}

/**
 * Forget who was there: the frame keeps it, so that one is needed; when the page goes before it has been told, the next page's is.
 * @param {Widget} w
 */
export function forget(w) {
  made(w);
  w.source = null;
  w.prefilled = {};
  w.unread = 0;
  w.keep({ open: "", talking: false, forget: true });
  const frame = framed(w, w.settings?.capabilities.includes("chat") ? "chat" : "book", {});
  const done = new Promise((resolve) => forgotten.push(() => resolve(null)));
  if (frame.alive) {
    for (const one of w.frames) one.tell({ t: "forget" });
    calling = false;
    w.keep({ forget: false });
    close(w);
    for (const one of forgotten.splice(0)) one();
  }
  return done;
}
