// A conversation on the page: the chat page and the dashboard both show it by this.
//
//   const log = new Log(place, { me: "customer", words, name: (by) => ..., told: (event) => ..., actions: (said) => [...] });
//   log.show(live.ledger(c), live.pending(c));      after every change: only what differs is touched
//   log.clear();                                    before another conversation is shown
//
// `place` scrolls and has role=log; lines go into its `[data-lines]`, or itself. It stays at its end while the reader is there; when
// they have scrolled up, `jump` (a button) shows that there is more below. The words are listed at `Words`.

import { AT, here } from "./ask.js";
import { lines } from "./lines.js";
import { menu } from "./menu.js";
import { element, filled, icon, isPictogram, linked, sizeOf } from "./text.js";
import { clock, dayName } from "./time.js";

/**
 * @typedef {import("./lines.js").Said} Said
 * @typedef {import("./lines.js").Line} Line
 * @typedef {{ label: string, act: () => void }} Action
 * @typedef {Record<string, string>} Words
 *   edited, withdrawn, note, by_mail, quoted, more, retry, discard, not_changed; of states: queued, sent, delivered, seen, failed;
 *   of refusals, where there is more to say than "failed": `refused_CODE`
 * @typedef {{
 *   me: string,
 *   words: Words,
 *   name: (by: string) => string,
 *   told: (event: import("./ledger.js").LiveEvent) => string,
 *   actions?: (said: Said) => Action[],
 *   remarks?: (said: Said) => (string | undefined)[],
 *   beside?: (event: import("./ledger.js").LiveEvent) => Node[],
 *   settle?: (id: string, how: "retry" | "discard") => void,
 *   jump?: HTMLButtonElement,
 *   files?: string,
 * }} LogOptions
 *   `told` gives the words for what happened, "" for what is not shown; `actions` what may be done with a message now;
 *   `remarks` what else there is to say of one; `beside` what stands behind the words for what happened;
 *   `files` is where files are fetched from
 * @typedef {{ node: HTMLElement, update: (line: any) => void }} View
 */

const NEAR = 80; // pixels from the end that still count as there
const PICTURES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export class Log {
  /** @type {Map<string, View>} */ #views = new Map();
  #atEnd = true;
  #height = 0; // of the place, when we last looked

  /**
   * @param {HTMLElement} place
   * @param {LogOptions} options
   */
  constructor(place, options) {
    this.place = place;
    this.options = options;
    this.inside = /** @type {HTMLElement} */ (place.querySelector("[data-lines]") ?? place);
    place.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    options.jump?.addEventListener("click", () => {
      this.toEnd();
      place.focus();
    });
    new ResizeObserver(() => this.#resized()).observe(place);
  }

  /**
   * @param {import("./ledger.js").Ledger} ledger
   * @param {import("./outbox.js").Item[]} pending
   */
  show(ledger, pending) {
    const { me, told, jump } = this.options;
    const height = this.place.scrollHeight;
    const found = lines(ledger, pending, me, told);
    const keys = new Set(found.map((line) => line.key));
    for (const [key, view] of this.#views) {
      if (keys.has(key)) continue;
      view.node.remove();
      this.#views.delete(key);
    }
    let cursor = this.inside.firstElementChild;
    for (const line of found) {
      const view = this.#views.get(line.key) ?? this.#made(line);
      view.update(line);
      if (view.node === cursor) cursor = cursor.nextElementSibling;
      else this.inside.insertBefore(view.node, cursor);
    }
    const newest = found.at(-1);
    if (this.#atEnd || (newest?.kind === "said" && newest.mine && !newest.seq)) this.toEnd();
    else if (jump && this.place.scrollHeight > height) jump.hidden = false;
  }

  /** Show nothing. */
  clear() {
    for (const view of this.#views.values()) view.node.remove();
    this.#views.clear();
    this.toEnd();
  }

  /** Go to what was said last. */
  toEnd() {
    this.place.scrollTop = this.#views.size ? this.place.scrollHeight : 0;
    this.#atEnd = true;
    if (this.options.jump) this.options.jump.hidden = true;
  }

  #resized() {
    this.#height = this.place.clientHeight;
    if (this.#atEnd) this.toEnd();
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.place;
    if (clientHeight !== this.#height || !this.#views.size) return; // not the reader's doing: `#resized` follows
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#atEnd && this.options.jump) this.options.jump.hidden = true;
  }

  /**
   * @param {Line} line
   * @returns {View}
   */
  #made(line) {
    const view = line.kind === "said" ? this.#said(line) : this.#plain(line);
    this.#views.set(line.key, view);
    return view;
  }

  /**
   * A day, or what happened.
   * @param {import("./lines.js").Day | import("./lines.js").Told} line
   * @returns {View}
   */
  #plain(line) {
    const place = element("span");
    const more = line.kind === "told" ? (this.options.beside?.(line.event) ?? []) : [];
    const node = element("p", { class: line.kind === "day" ? "log-day" : "told" }, place, ...more.flatMap((one) => [" ", one]));
    const update = (/** @type {import("./lines.js").Day | import("./lines.js").Told} */ line) => {
      const text = line.kind === "day" ? dayName(line.at) : line.text;
      if (place.textContent !== text) place.textContent = text;
      if (line.kind === "told") node.dataset.kind = line.event.kind;
    };
    return { node, update };
  }

  /**
   * @param {Said} line
   * @returns {View}
   */
  #said({ mine, what }) {
    const { name, words } = this.options;
    const [who, when] = [element("b"), element("time")];
    const by = element("p", { class: "said-by" }, who, " ", when);
    const bubble = element("div", { class: "bubble", dir: "auto" });
    const beside = element("div", { class: "said-row" }, bubble);
    const state = element("p", { class: "said-state", "aria-live": "off" });
    const node = element("div", { class: `said ${mine ? "mine" : "theirs"} ${what}` }, by, beside, state);
    /** @type {HTMLElement | null} */
    let actions = null;
    /** @type {Said} */
    let now;
    let [content, standing] = ["", ""];
    const update = (/** @type {Said} */ line) => {
      now = line;
      node.classList.toggle("first", line.first);
      by.classList.toggle("visually-hidden", !line.first);
      who.textContent = line.what === "note" ? `${name(line.by)} – ${words.note}` : name(line.by);
      when.textContent = clock(line.at);
      when.dateTime = new Date(line.at).toISOString();
      if (content !== (content = JSON.stringify([line.text, line.body?.file, line.withdrawn, line.edited]))) {
        bubble.replaceChildren(...this.#content(line));
        node.classList.toggle("withdrawn", line.withdrawn);
        node.classList.toggle("pictogram", line.what === "text" && isPictogram(line.text));
      }
      if (standing !== (standing = JSON.stringify([line.state, line.last, line.failed]))) {
        node.dataset.state = line.failed ? "failed" : line.state;
        state.replaceChildren(...this.#state(line));
      }
      const may = line.mine && line.seq > 0 && !line.withdrawn && !line.failed && this.options.actions?.(line).length;
      if (may && !actions) beside.append((actions = this.#actions(() => now)));
      else if (!may && actions) {
        if (actions.contains(document.activeElement)) this.place.focus({ preventScroll: true });
        actions.remove();
        actions = null;
      }
    };
    return { node, update };
  }

  /** @param {Said} line */
  #content(line) {
    const { text, body, withdrawn, edited } = line;
    const { words } = this.options;
    if (withdrawn) return [element("i", {}, words.withdrawn ?? "")];
    if (body?.file) return [attached(body, this.options.files)];
    /** @type {(Node | string)[]} */
    const parts = [element("p", {}, ...linked(text))];
    for (const one of body?.files ?? []) parts.push(attached(one, this.options.files));
    if (body?.quoted) {
      const quoted = element("p", {}, ...linked(body.quoted));
      parts.push(element("details", {}, element("summary", {}, words.quoted ?? ""), quoted));
    }
    const remarks = [edited && words.edited, body?.via === "mail" && words.by_mail, ...(this.options.remarks?.(line) ?? [])].filter(Boolean);
    if (remarks.length) parts.push(element("span", { class: "remark" }, remarks.join(" · ")));
    return parts;
  }

  /** @param {Said} line */
  #state({ state, last, failed, mine, what }) {
    const { words, settle } = this.options;
    if (failed) {
      const again = element("button", { type: "button", class: "link" }, words.retry ?? "");
      const away = element("button", { type: "button", class: "link" }, words.discard ?? "");
      again.addEventListener("click", () => settle?.(failed.id, "retry"));
      away.addEventListener("click", () => settle?.(failed.id, "discard"));
      const why = words[`refused_${failed.code}`] ?? (state === "failed" ? words.failed : words.not_changed) ?? "";
      return [icon("warning"), `${why} `, again, " ", away];
    }
    const told = mine && what !== "note" && (state === "queued" || last);
    return told ? [icon(state === "queued" ? "clock" : state === "sent" ? "check" : "checks"), words[state] ?? ""] : [];
  }

  /** @param {() => Said} line */
  #actions(line) {
    const button = element("button", { type: "button", class: "dots" }, icon("dots"));
    button.setAttribute("aria-label", filled(this.options.words.more, { text: line().text.slice(0, 40) }));
    const list = element("div", { class: "menu" });
    list.hidden = true;
    menu(button, list, () => {
      const all = this.options.actions?.(line()) ?? [];
      list.replaceChildren(
        ...all.map(({ label, act }) => {
          const one = element("button", { type: "button" }, label);
          one.addEventListener("click", act);
          return one;
        }),
      );
    });
    return element("div", { class: "said-actions" }, button, list);
  }
}

/**
 * A file: a picture to be seen, anything else to be saved.
 * @param {{ file: string, name: string, type: string, size: number }} one
 * @param {string} from where it is fetched
 */
export function attached({ file, name, type, size }, from = "/chat/files") {
  const address = here(`${from}/${file}`);
  const picture = PICTURES.has(type) && element("img", { alt: name, loading: "lazy", decoding: "async" });
  const about = picture || element("span", {}, element("b", {}, name), element("small", {}, size ? sizeOf(size) : ""));
  const link = picture
    ? element("a", { class: "picture", href: `${address}?preview=1`, target: "_blank", rel: "noopener" }, about)
    : element("a", { class: "file", href: address, download: name }, icon("file"), about);
  if (AT) void import("./fetched.js").then(({ fetched }) => fetched(link));
  else if (picture) picture.src = link.href;
  return link;
}
