// Words that the widget says by itself: once a visit, on the pages and after the time that the site has chosen, and only while
// somebody is there to answer.

import { CLOSE } from "./drawings.js";

/**
 * @typedef {import("./inside").Widget} Widget
 * @typedef {{ text: string, page: string, after: number, scroll: number }} Rule
 */

const STYLE = `
.greeting { position: absolute; inset-block-end: calc(100% + .75em); inset-inline-end: 0; display: flex; align-items: flex-start; inline-size: max-content; max-inline-size: min(19em, 100vw - 2.5em); border: 1px solid var(--line); border-radius: 1em; border-end-end-radius: .25em; background: var(--surface); color: var(--ink); box-shadow: var(--shadow); }
.greeting.start { inset-inline: 0 auto; border-radius: 1em; border-end-start-radius: .25em; }
.greeting .say { flex: 1; padding: .875em 0 .875em 1.125em; border: 0; background: none; text-align: start; text-wrap: pretty; border-radius: inherit; }
.greeting:dir(rtl) .say { padding: .875em 1.125em .875em 0; }
.greeting .away-with { flex: none; display: grid; place-items: center; inline-size: 2.75em; block-size: 2.75em; padding: 0; border: 0; border-radius: 50%; background: none; color: var(--soft); }
.greeting .away-with:hover { color: var(--ink); }
.greeting svg { inline-size: 1.125em; block-size: 1.125em; }
@media (prefers-reduced-motion: no-preference) {
.greeting { animation: say .24s ease-out; }
@keyframes say { from { opacity: 0; translate: 0 .5em; } }
}
`;

/**
 * Whether a rule is for a page: its path, with * for anything.
 * @param {string} pattern
 * @param {string} path
 */
export const isFor = (pattern, path) => {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(path);
};

/**
 * Wait for the moment of one of the site's greetings.
 * @param {Widget} w
 */
export function watch(w) {
  let path = location.pathname;
  let [since, seen] = [performance.now(), 0]; // of this page, single-page applications' too; `seen` in per cent
  /** @type {HTMLElement | null} */
  let bubble = null;
  const region = w.make("div", {});
  region.setAttribute("role", "status");
  w.launcher.before(region);
  w.root.adoptedStyleSheets = [...w.root.adoptedStyleSheets, w.sheet(STYLE)];

  const scrolled = () => {
    const { scrollHeight, clientHeight } = document.documentElement;
    seen = Math.max(seen, scrollHeight > clientHeight ? ((scrollY + clientHeight) / scrollHeight) * 100 : 100);
    look();
  };

  const look = () => {
    if (location.pathname !== path) [path, since, seen] = [location.pathname, performance.now(), 0];
    const attended = w.there.site?.state === "available" && !w.expanded;
    if (bubble && !attended) return end();
    if (bubble || !attended || w.kept.talking || document.hidden) return;
    const spent = (performance.now() - since) / 1000;
    const rule = w.settings?.greetings.find((one) => isFor(one.page, path) && spent >= one.after && (!one.scroll || seen >= one.scroll));
    if (rule) say(rule);
  };

  /** @param {Rule} rule */
  const say = ({ text }) => {
    w.keep({ greeted: true });
    const { words = {}, theme } = w.settings ?? {};
    const close = w.make("button", { type: "button", className: "away-with", ariaLabel: words.greeting_close ?? "", onclick: () => end(true) }, w.icon(CLOSE));
    const say = w.make("button", { type: "button", className: "say text", onclick: () => void w.api.open("chat") }, text);
    bubble = w.make("div", { className: `greeting ${w.look.side ?? theme?.side}` }, say, close);
    bubble.addEventListener("keydown", (event) => event.key === "Escape" && end(true));
    region.append(bubble);
  };

  /** @param {boolean} [back] the focus goes to the button, where it was in here */
  const end = (back = false) => {
    const inside = bubble?.contains(w.root.activeElement);
    bubble?.remove();
    removeEventListener("scroll", scrolled);
    clearInterval(timer);
    w.drawn.delete(look);
    if (back && inside) w.launcher.focus();
  };

  const timer = setInterval(look, 1000);
  addEventListener("scroll", scrolled, { passive: true });
  w.drawn.add(look);
  scrolled();
}
