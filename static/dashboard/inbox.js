// The lists of conversations: kept up to date row by row. Rows are placed, not stacked: nothing jumps, and while somebody is about to
// click, nothing changes its place.

import { element, icon } from "../shared/text.js";
import { ago, button, field, get, ME, place, say, write } from "./page.js";
import { belongs, inOrder, isMine, vouchedFor } from "./rows.js";
import { attempt } from "./toasts.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./rows.js").View} View
 * @typedef {{ node: HTMLElement, link: HTMLAnchorElement, update: (row: Row) => void }} Shown
 */

const CALM = 1_500; // milliseconds without a move of the pointer after which rows may change places under it
const TYPED = 250; // milliseconds without a key after which is searched

export class Inbox {
  /** @type {Map<string, Row>} */ rows = new Map();
  /** @type {View} */ view = "mine";
  /** @type {string | null} */ #next = null;
  /** @type {string[] | null} */ #found = null;
  /** @type {string[]} */ #order = [];
  /** @type {Map<string, Shown>} */ #shown = new Map();
  #pointedAt = -Infinity;
  #round = 0;
  opened = "";
  waiting = 0; // how many, of the load

  /** @param {{ choose: (c: string) => void, changed: () => void, isRead: (row: Row) => boolean }} ends */
  constructor(ends) {
    this.ends = ends;
    this.list = place("row-list");
    place("views").addEventListener("click", (event) => {
      const view = /** @type {Element} */ (event.target).closest("button")?.dataset.view;
      if (view) this.show(/** @type {View} */ (view));
    });
    const search = field("search");
    let typing = 0;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => void this.#search(), TYPED);
    });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        if (!search.value) return search.blur();
        search.value = "";
        void this.#search();
      } else if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        this.#shown.get(this.#order[0] ?? "")?.link.focus();
      }
    });
    place("search-form").addEventListener("submit", (event) => event.preventDefault());
    button("rows-more").addEventListener("click", () => void this.#more());
    const still = () => (this.#pointedAt = performance.now());
    this.list.addEventListener("pointermove", still, { passive: true });
    this.list.addEventListener("pointerleave", () => {
      this.#pointedAt = -Infinity;
      this.render();
    });
    this.list.addEventListener("click", (event) => {
      const link = /** @type {Element} */ (event.target).closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.ends.choose(link.hash.slice(1));
    });
    setInterval(() => this.render(), 5_000); // ages, and what waited for the pointer to be still
  }

  // -- what is known --------------------------------------------------------------------------------------------------------

  /** Everything anew: at the beginning, and after a connection was lost. */
  async load() {
    const round = ++this.#round;
    const views = [...new Set(/** @type {View[]} */ (["mine", "waiting", this.view, ...(ME.supervisor ? ["live"] : [])]))];
    const parts = await attempt(Promise.all(views.map((view) => get(`/desk/inbox?view=${view}`))));
    if (!parts || round !== this.#round) return;
    const open = this.rows.get(this.opened);
    this.rows.clear();
    if (open) this.rows.set(open.c, open);
    for (const part of parts) for (const row of part.rows) this.rows.set(row.c, row);
    this.#next = parts[views.indexOf(this.view)].next;
    this.#changed();
  }

  /** @param {View} view */
  show(view) {
    this.view = view;
    this.#found = null;
    this.#next = null;
    field("search").value = "";
    for (const one of place("views").querySelectorAll("button")) one.setAttribute("aria-pressed", String(one.dataset.view === view));
    place("rows").scrollTop = 0;
    this.render(true);
    void this.load();
  }

  async #more() {
    const part = await attempt(get(`/desk/inbox?view=${this.view}&after=${this.#next}`));
    if (!part) return;
    for (const row of part.rows) this.rows.set(row.c, row);
    this.#next = part.next;
    this.#changed();
  }

  async #search() {
    const [text, round] = [field("search").value.trim(), ++this.#round];
    if (!text) {
      this.#found = null;
      return this.render(true);
    }
    const part = await attempt(get(`/desk/inbox?q=${encodeURIComponent(text)}`));
    if (!part || round !== this.#round) return;
    for (const row of part.rows) this.rows.set(row.c, row);
    this.#found = part.rows.map((/** @type {Row} */ row) => row.c);
    this.render(true);
  }

  /** @param {Row} row as it is now */
  put(row) {
    this.rows.set(row.c, row);
    this.#changed();
  }

  /** @param {string} c that is not ours to see any more */
  drop(c) {
    if (this.rows.delete(c)) this.#changed();
  }

  /** What this adviser has to answer, or is offered. */
  mine() {
    return [...this.rows.values()].filter((row) => isMine(row, ME));
  }

  #changed() {
    this.ends.changed();
    this.render();
  }

  // -- what is shown ----------------------------------------------------------------------------------------------------------

  /** @param {number} step to the next one, or the one before */
  beside(step) {
    const at = this.#order.indexOf(this.opened);
    return this.#order[at < 0 ? 0 : Math.min(Math.max(at + step, 0), this.#order.length - 1)] ?? "";
  }

  /** @param {string} c whose row gets the focus */
  focus(c) {
    const link = this.#shown.get(c)?.link ?? this.list.querySelector("a") ?? field("search");
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} [asked] the reader has asked for another list: order need not wait */
  render(asked = false) {
    const rows = this.#found
      ? this.#found.flatMap((c) => this.rows.get(c) ?? [])
      : inOrder([...this.rows.values()].filter((row) => belongs(row, this.view, ME)));
    const fresh = rows.map((row) => row.c);
    if (asked || performance.now() - this.#pointedAt > CALM || !this.#order.length) this.#order = fresh;
    this.#counts();
    this.#lay(new Set(fresh));
    const nothing = !fresh.length;
    place("rows-empty").hidden = !nothing;
    if (nothing) write(place("rows-empty"), say(this.#found ? "empty_search" : `empty_${this.view}`, { text: field("search").value.trim() }));
    button("rows-more").hidden = this.#found !== null || !this.#next || nothing;
  }

  /** @param {Set<string>} fresh what belongs here now; others keep their place until order may change */
  #lay(fresh) {
    const wanted = new Set(this.#order);
    for (const [c, { node }] of this.#shown) {
      if (wanted.has(c)) continue;
      node.remove();
      this.#shown.delete(c);
    }
    const focused = document.activeElement;
    let cursor = this.list.firstElementChild;
    for (const [at, c] of this.#order.entries()) {
      const row = this.rows.get(c);
      const one = this.#shown.get(c) ?? made(c);
      this.#shown.set(c, one);
      if (row) one.update(row);
      one.node.classList.toggle("leaving", !row || !fresh.has(c));
      one.node.style.setProperty("--at", String(at));
      one.node.classList.toggle("unread", Boolean(row?.unread && !this.ends.isRead(row)));
      if (c === this.opened) one.link.setAttribute("aria-current", "true");
      else one.link.removeAttribute("aria-current");
      if (one.node === cursor) cursor = cursor.nextElementSibling;
      else this.list.insertBefore(one.node, cursor);
    }
    if (focused instanceof HTMLElement && focused !== document.activeElement && this.list.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    place("rows").style.setProperty("--count", String(this.#order.length));
  }

  #counts() {
    const unread = this.unread();
    for (const one of place("views").querySelectorAll("button")) {
      const count = one.dataset.view === "mine" ? unread : one.dataset.view === "waiting" ? this.waiting : 0;
      write(/** @type {Element} */ (one.querySelector("[data-count]")), count ? String(count) : "");
    }
  }

  /** How many of one's own have something new. */
  unread() {
    return this.mine().filter((row) => row.adviser?.id === ME.id && row.unread && !this.ends.isRead(row)).length;
  }
}

/**
 * @param {string} c
 * @returns {Shown}
 */
function made(c) {
  const [name, shield] = [element("span"), icon("shield")];
  const who = element("b", {}, shield, name);
  const [when, text, badge, mark] = [element("time"), element("span", { class: "row-text" }), element("span", { class: "row-badge" }), element("span", { class: "visually-hidden" })];
  const dot = element("span", { class: "dot", "aria-hidden": "true" });
  const link = element("a", { class: "row-link", href: `#${c}` }, dot, who, mark, when, text, badge);
  const node = element("li", { class: "conversation-row" }, link);
  const update = (/** @type {Row} */ row) => {
    dot.dataset.state = row.customer.here ? "available" : "offline";
    write(name, nameOf(row));
    shield.toggleAttribute("hidden", !row.customer.verified);
    write(mark, [vouchedFor({ ...row.customer, site: row.site }, say), row.customer.here ? say("here") : "", row.unread ? say("unread") : ""].filter(Boolean).join(", "));
    write(when, ago(row.state === "waiting" ? (row.queued_at ?? row.updated_at) : row.updated_at));
    when.dateTime = new Date(row.updated_at).toISOString();
    write(text, row.preview);
    write(badge, badgeOf(row));
    node.dataset.state = row.state;
    badge.classList.toggle("missed", row.heard === "call" || row.heard === "callback");
    node.classList.toggle("offered", row.offered?.id === ME.id);
  };
  return { node, link, update };
}

/** @param {Row} row */
export const nameOf = (row) => row.customer.name || row.customer.email || say("no_name");

/** @param {Row} row */
function badgeOf(row) {
  if (row.heard === "call" || row.heard === "callback") return say(`row_${row.heard}`);
  if (row.state === "message" && !row.adviser) return say("row_message");
  if (row.adviser && row.adviser.id !== ME.id) return row.adviser.name.split(" ")[0] ?? "";
  return row.tags[0] ?? "";
}
