// What a company's pages load: the button in the corner that tells whether somebody is there, and `window.presence`. Panel, elements
// and greeting are modules that are fetched once they are needed. It sets no cookie and opens no socket, and of who somebody is it
// keeps nothing.
//
// What a page with a Content-Security-Policy must allow, with ORIGIN as ours:
//   script-src ORIGIN (or a nonce on the script element: it holds for the modules, too), connect-src ORIGIN, frame-src ORIGIN,
//   img-src ORIGIN where the site has a logo. No 'unsafe-inline', no style-src, no trusted-types policy: styles are constructed,
//   and markup is never parsed.

(() => {
  /** @typedef {import("./inside").Widget} Widget */
  /** @typedef {import("./presence").Presence} Presence */

  const script = document.currentScript;
  const before = window.presence;
  if (before && !Array.isArray(before)) return console.info("presence: the widget is on this page already; this script does nothing");
  if (!(script instanceof HTMLScriptElement) || !script.dataset.site) return console.error("presence: data-site is missing on the script element, or it is a module");

  const key = script.dataset.site;
  const base = new URL(script.src).origin;
  const PLACE = `presence ${key}`; // in this tab's storage
  const MOST = 20; // names in one question
  const SLOWEST = 600; // seconds between questions while nothing answers
  const COMEBACKS = 50; // of ours to a page that takes us out
  const SVG = "http://www.w3.org/2000/svg";
  const BUBBLE = "M4 5h16v11.5H9.5L5 20v-3.5H4zM8 9.5h8M8 12.5h5";

  // -- what is known ------------------------------------------------------------------------------------------------------

  /** @type {import("./inside").Kept} */
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  } catch {
    // closed to us: this page remembers for itself
  }

  let wanted = script.dataset.lang ?? "";
  let asked = 0; // questions: the answer to one that is not the latest comes too late
  let failures = 0;
  let overdue = false;
  let comebacks = 0;
  let timer = 0;
  let shown = "";
  let complained = "";
  /** @type {Record<string, Set<(detail: any) => void>>} */
  const listeners = {};
  /** @type {(value?: unknown) => void} */
  let start = () => {};
  const ready = new Promise((done) => (start = done));

  // -- showing ------------------------------------------------------------------------------------------------------------

  /** @type {Widget["make"]} */
  const make = (tag, given = {}, ...inside) => {
    const made = Object.assign(document.createElement(tag), given);
    made.append(...inside);
    return made;
  };

  /** @type {Widget["icon"]} */
  const icon = (drawing) => {
    const made = document.createElementNS(SVG, "svg");
    made.setAttribute("viewBox", "0 0 24 24");
    made.setAttribute("aria-hidden", "true");
    made.appendChild(document.createElementNS(SVG, "path")).setAttribute("d", drawing);
    return made;
  };

  /** @type {Widget["sheet"]} */
  const sheet = (text) => {
    const made = new CSSStyleSheet();
    made.replaceSync(text);
    return made;
  };

  /** @type {Widget["told"]} */
  const told = (there) => {
    const words = w.settings?.words ?? {};
    if (!there?.until || !/away|offline/.test(there.state)) return words[there?.state ?? ""] ?? "";
    const at = new Date(there.until * 1000); // shown in the zone of who reads it
    const today = at.toDateString() === new Date().toDateString();
    const when = new Intl.DateTimeFormat(w.spoken, { weekday: today ? undefined : "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    return (today ? words.back_today : words.back)?.replace("{when}", when.format(at)) ?? "";
  };

  const place = sheet("");
  const PARTS = `
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button { font: inherit; color: inherit; cursor: pointer; -webkit-tap-highlight-color: transparent; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
svg { flex: none; inline-size: 1.5em; block-size: 1.5em; fill: none; stroke: currentcolor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.text { unicode-bidi: plaintext; text-align: match-parent; min-inline-size: 0; overflow-wrap: anywhere; }
.dot { flex: none; inline-size: .75em; block-size: .75em; border: 2px solid var(--soft); border-radius: 50%; }
.available { border-color: var(--good); background: var(--good); }
.busy { border-color: var(--warn); background: linear-gradient(90deg, var(--warn) 50%, transparent 50%); }
.away { border-color: var(--warn); }
.state { display: flex; align-items: center; gap: .375em; color: var(--soft); }
.launcher { position: relative; display: flex; align-items: center; gap: .75em; min-block-size: 3.5em; max-inline-size: min(20em, 100vw - 2em); padding: .4em 1.4em .4em .45em; border: 1px solid var(--line); border-radius: 1.75em; background: var(--surface); color: var(--ink); text-align: start; line-height: 1.3; box-shadow: var(--shadow); }
.launcher:dir(rtl) { padding: .4em .45em .4em 1.4em; }
.launcher:hover { border-color: var(--accent); }
.disc { flex: none; display: grid; place-items: center; inline-size: 2.625em; block-size: 2.625em; border-radius: 50%; background: var(--accent); color: var(--on-accent); }
.launcher b { display: block; font-weight: 600; }
.launcher .state { font-size: .8125em; }
.unread { position: absolute; inset-block-start: -.25em; inset-inline-start: -.25em; min-inline-size: 1.9em; border: 2px solid var(--surface); border-radius: 1em; background: var(--bad); color: var(--surface); font-size: .8125em; font-weight: 700; text-align: center; }
@media (max-width: 30em) {
.launcher, .launcher:dir(rtl) { padding: .375em; border-radius: 50%; }
.launcher b, .launcher .state :not(.dot) { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.launcher .text { position: absolute; inset: auto -.125em -.125em auto; padding: .25em; border-radius: 50%; background: var(--surface); }
.launcher .dot { font-size: 1rem; }
}
@media (forced-colors: active) { .disc, .launcher { border: 1px solid ButtonText; } .dot { forced-color-adjust: none; } }
@media (prefers-reduced-motion: no-preference) { .launcher { transition: border-color .15s; } }
@media print { :host { display: none !important; } }`;

  /** Colours and place, as the site and the page want them. What the page's own styles say of us is overruled. */
  const dress = () => {
    const own = w.look.accent ? { accent_dark: `oklch(from ${w.look.accent} max(l, .75) c h)`, on_accent: "", on_accent_dark: "" } : {};
    const look = { .../** @type {import("./inside").Settings} */ (w.settings).theme, ...own, ...w.look };
    /** @type {(colour: string, on: string) => string} */
    const on = (colour, given) => given || `lch(from ${colour} calc((50 - l) * infinity) 0 0)`;
    w.colours.replaceSync(`:host { color-scheme: ${look.scheme === "auto" ? "light dark" : look.scheme} !important; font: medium/1.4 system-ui, -apple-system, "Segoe UI", roboto, "Noto Sans", sans-serif;
--accent: light-dark(${look.accent}, ${look.accent_dark}) !important; --on-accent: light-dark(${on(look.accent, look.on_accent)}, ${on(look.accent_dark, look.on_accent_dark)}) !important;
--ink: light-dark(#1a2527, #e9ebe6) !important; --soft: light-dark(#536166, #a9b3b1) !important; --surface: light-dark(#fffefb, #181f20) !important; --sunk: light-dark(#f1eee7, #263031) !important;
--line: light-dark(#ddd8cc, #3a4647) !important; --focus: light-dark(#1f5fbf, #8ab8ff) !important; --good: light-dark(#1d6b3a, #8fd3a3) !important; --warn: light-dark(#8a4b00, #f0bd7a) !important; --bad: light-dark(#a32020, #f2a59c) !important;
--shadow: 0 1px 2px #0002, 0 .75em 2em -.5em #0006 !important; }`);
    place.replaceSync(`:host { all: initial !important; display: block !important; position: fixed !important; z-index: 2147483646 !important; font: medium/1.4 system-ui, -apple-system, "Segoe UI", roboto, "Noto Sans", sans-serif !important;
inset-block-end: calc(${+look.y}px + env(safe-area-inset-bottom, 0px)) !important; inset-inline-${look.side === "start" ? "start" : "end"}: ${+look.x}px !important; }`);
    w.host.dir = getComputedStyle(document.body ?? document.documentElement).direction;
    w.host.lang = w.spoken;
  };

  const draw = () => {
    const { host, settings, launcher: old, there } = w;
    if (!settings) return;
    dress();
    // Outside of the body: what replaces that on a navigation would end a call in the panel.
    if (!host.isConnected && comebacks++ < COMEBACKS) {
      document.documentElement.append(host);
      host.showPopover(); // above everything, and where nothing around it has been moved or made bigger
    }
    watched();
    const text = told(there.site);
    const look = [settings.words.title, text, there.site?.state, w.unread].join();
    if (look !== shown) {
      shown = look;
      const state = make("span", { className: "state" }, make("span", { className: `dot ${there.site?.state}` }), make("span", {}, text));
      // A new one: what grows would move under the reader's eyes.
      w.launcher = make("button", { className: "launcher", type: "button", ariaHasPopup: "dialog", onclick: () => part("panel", "toggle"), onpointerenter: () => part("panel"), onfocus: () => part("panel") },
        make("span", { className: "disc" }, icon(BUBBLE)), make("span", { className: "text" }, make("b", {}, settings.words.title ?? ""), " ", state));
      if (w.unread) w.launcher.append(make("span", { className: "unread", ariaLabel: settings.words.unread?.replace("{count}", String(w.unread)), role: "img" }, String(w.unread)));
      const focused = w.root.activeElement === old;
      old.replaceWith(w.launcher);
      if (focused) w.launcher.focus();
    }
    w.launcher.hidden = !there.site || w.expanded === "panel";
    w.launcher.ariaExpanded = String(w.expanded !== "");
    if (w.elements.size) part("elements", "show");
    for (const one of w.drawn) one();
  };

  // A page that puts another document in the place of its own, or clears it, gets us back.
  const observer = new MutationObserver(() => w.host.isConnected || draw());
  const watched = () => {
    observer.observe(document, { childList: true });
    observer.observe(document.documentElement, { childList: true });
  };

  // -- asking -------------------------------------------------------------------------------------------------------------

  /** Whom the page's elements are about. */
  const named = () => {
    const names = new Set();
    for (const one of w.elements) {
      const kind = /BADGE|BUTTON/.test(one.tagName) && ["adviser", "service", "team"].find((name) => /^[\w-]+$/.test(one.getAttribute(name) ?? ""));
      if (kind) names.add(`${kind}:${one.getAttribute(kind)}`);
    }
    return [...names].sort();
  };

  /** @param {string[]} names */
  const ask = async (names) => {
    const answer = await fetch(`${base}${w.at.replace("at", "widget")}${names.length ? `?for=${names}` : ""}`, { credentials: "omit", headers: { Accept: "application/json" }, priority: "low" });
    const body = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(body.detail ?? body.title), { reason: body.type?.split("/").pop(), final: answer.status < 429 });
    return { body, spoken: answer.headers.get("Content-Language") };
  };

  /** Ask how it stands, and show it. Nobody looks at a page in the background: it waits. */
  const look = async () => {
    clearTimeout(timer);
    overdue = document.hidden;
    if (overdue) return;
    const [mine, names] = [++asked, named()];
    const language = (wanted || document.documentElement.lang || navigator.language).toLowerCase();
    w.at = `/at/${key}/${/^[a-z]{2,3}/.exec(language)?.[0] ?? "en"}`;
    try {
      const questions = [];
      for (let at = 0; !at || at < names.length; at += MOST) questions.push(ask(names.slice(at, at + MOST)));
      const answers = await Promise.all(questions);
      if (mine !== asked) return;
      w.settings = answers[0]?.body;
      w.spoken = answers[0]?.spoken ?? w.at.slice(-2);
      w.there = Object.assign({}, ...answers.map((one) => one.body.presence));
      failures = 0;
      start();
    } catch (error) {
      if (mine !== asked) return;
      const { final, reason = "unreachable", message } = /** @type {any} */ (error);
      w.there = {};
      failures++;
      refused(reason, final ? message : `${base} does not answer: ${message}. Does the page's policy allow it as connect-src?`);
      if (final) return draw();
    }
    draw();
    const seconds = Math.min(SLOWEST, (w.settings?.poll ?? 30) * 2 ** failures);
    timer = setTimeout(look, seconds * (900 + Math.random() * 200)); // not all at once
  };

  /**
   * Told to who develops the page; not again and again.
   * @param {string} reason
   * @param {string} detail
   */
  const refused = (reason, detail) => {
    if (detail === complained) return;
    complained = detail;
    console.error(`presence: ${detail}`);
    w.emit("refused", { reason, detail });
  };

  /**
   * Call one of our modules; without `what` it is fetched, to be there soon.
   * @param {string} name
   * @param {string} [what]
   * @param {...any} given
   */
  const part = async (name, what, ...given) => {
    await ready;
    try {
      const module = await import(`${base}${w.settings?.modules}${name}.js`).catch((error) => {
        throw new Error(`${error.message}. Does the page's policy allow it as script-src?`);
      });
      if (what) await module[what](w, ...given);
    } catch (error) {
      refused(name, /** @type {Error} */ (error).message);
    }
  };

  // -- what the page says ---------------------------------------------------------------------------------------------------

  /**
   * A page's own function: what it throws is the page's, and stops nothing of ours.
   * @param {(given: any) => void} todo
   * @param {unknown} given
   */
  const attempt = (todo, given) => {
    try {
      todo(given);
    } catch (error) {
      console.error(error);
    }
  };

  /** @param {object} message */
  const tell = (message) => w.frames.forEach((frame) => frame.tell(message));

  /** @type {Presence} */
  const api = {
    open: (what, about) => part("panel", "open", what, about),
    close: () => void (w.expanded && part("panel", "close")),
    forget: () => part("panel", "forget"),
    identify(identity) {
      w.source = identity;
      for (const frame of w.frames) frame.vouch();
    },
    prefill: (values) => tell({ t: "prefill", ...Object.assign(w.prefilled, values) }),
    page: (page) => tell({ t: "page", ...(w.page = page) }),
    language(code) {
      wanted = code;
      return look();
    },
    theme(look) {
      Object.assign(w.look, look);
      tell({ t: "scheme", scheme: w.look.scheme });
      draw();
    },
    on(name, listener) {
      const all = (listeners[name] ??= new Set());
      all.add(listener);
      if (name === "ready" && w.settings) attempt(listener, { state: w.there.site?.state });
      return () => void all.delete(listener);
    },
    push(...todo) {
      for (const one of todo) attempt(one, api);
      return 0;
    },
  };

  const host = make(/** @type {any} */ ("presence-widget"), { popover: "manual" });
  /** @type {Widget} */
  const w = {
    base, at: "", spoken: "", api, settings: null, there: {}, look: {}, host, root: host.attachShadow({ mode: "open" }), colours: sheet(""),
    launcher: make("button"), expanded: "", unread: 0, source: null, prefilled: {}, page: {}, frames: new Set(), elements: new Set(), drawn: new Set(),
    kept, make, icon, sheet, told, draw,
    keep(more) {
      Object.assign(kept, more);
      try {
        sessionStorage.setItem(PLACE, JSON.stringify(kept));
      } catch {
        // closed to us
      }
    },
    emit(name, detail) {
      for (const one of listeners[name] ?? []) attempt(one, detail);
      document.dispatchEvent(new CustomEvent(`presence:${name}`, { detail }));
    },
  };
  w.root.adoptedStyleSheets = [place, w.colours, sheet(PARTS)]; // the first clears the page's styles away
  w.root.append(make("aside", {}, w.launcher));

  /** Elements have come, or are about somebody else. */
  const changed = () => {
    if (document.readyState === "loading") return;
    clearTimeout(timer);
    timer = setTimeout(() => (named().some((name) => !(name in w.there)) ? look() : draw()));
  };
  for (const name of ["badge", "button", "booking", "experts"]) {
    if (customElements.get(`presence-${name}`)) continue;
    customElements.define(`presence-${name}`, class extends HTMLElement {
      static observedAttributes = ["adviser", "service", "team", "kind"];
      connectedCallback() {
        w.elements.add(this);
        if (name === "button" && !this.shadowRoot) this.attachShadow({ mode: "open" }).append(make("button", { disabled: true }, make("slot")));
        changed();
      }
      disconnectedCallback() {
        w.elements.delete(this);
      }
      attributeChangedCallback() {
        if (this.isConnected) changed();
      }
    });
  }

  window.presence = api;
  api.push(...(before ?? []));
  ready.then(() => {
    w.emit("ready", { state: w.there.site?.state ?? "offline" });
    if (kept.open || kept.talking || kept.forget) part("panel", "resume");
    const shy = kept.greeted || navigator.doNotTrack === "1" || /** @type {any} */ (navigator).globalPrivacyControl;
    if (w.settings?.greetings.length && !shy) part("greeting", "watch");
  });
  document.addEventListener("visibilitychange", () => overdue && look());
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", look);
  else look();
})();
