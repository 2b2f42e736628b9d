// The conversation that is open: what was said, what may be done with it, and where one writes.

import { Log } from "../shared/log.js";
import { menu } from "../shared/menu.js";
import { element } from "../shared/text.js";
import { moment } from "../shared/time.js";
import { Composer } from "./composer.js";
import { nameOf } from "./inbox.js";
import { ago, button, get, ME, place, post, say, words, write } from "./page.js";
import { hasJoined, told } from "./telling.js";
import { attempt, toast } from "./toasts.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{ name: string, label: string, primary?: boolean, quiet?: boolean, act?: () => void }} Action
 * @typedef {{ row: Row, customer: any, conversations: Row[], appointments: any[], files: any[] }} Whole
 */

const EDITABLE = 15 * 60_000; // milliseconds
const WRITES = 6_000; // milliseconds that somebody counts as writing after they were last heard of

export class Conversation {
  /** @type {Row | null} */ row = null;
  #buttons = "";
  #writing = 0;

  /**
   * @param {import("../shared/live.js").Live} live
   * @param {{ name: (by: string) => string, shown: (whole: Whole | null) => void, changed: (row: Row) => void, gone: (c: string) => void, transfer: () => void, drawn: (row: Row | null) => void }} ends
   */
  constructor(live, ends) {
    this.live = live;
    this.ends = ends;
    this.log = new Log(place("log"), {
      me: ME.by,
      words,
      name: (by) => this.#name(by),
      told: (event) => told(event, (by) => this.#name(by)),
      beside: ({ kind, body }) => (kind === "callback" && body.phone ? [element("a", { href: `tel:${body.phone.replace(/[^+\d]/g, "")}` }, body.phone.replaceAll(" ", "\u00a0"))] : []),
      actions: (said) => this.#changes(said),
      remarks: ({ body }) => [body?.unverified && say("unverified", { sender: body.unverified }), body?.automatic && say("automatic", { reason: body.automatic })],
      settle: (id, how) => live.settle(id, how),
      jump: button("jump"),
    });
    this.composer = new Composer({
      send: (kind, body) => this.row && live.send(this.row.c, kind, body),
      typing: () => this.row && live.typing(this.row.c),
    });
    menu(button("talk-more"), place("talk-menu"));
  }

  get c() {
    return this.row?.c ?? "";
  }

  /**
   * Show a conversation; what was said comes over the live connection.
   * @param {string} c
   * @param {Row} [known]
   */
  async open(c, known) {
    if (known) this.#begin(known);
    const whole = /** @type {Whole | undefined} */ (await attempt(get(`/desk/conversations/${c}`)));
    if (!whole) return known ? undefined : this.ends.gone(c);
    if (known && this.c !== c) return; // another one was opened meanwhile
    if (!known) this.#begin(whole.row);
    this.ends.changed(whole.row);
    this.ends.shown(whole);
  }

  /** @param {Row} row */
  #begin(row) {
    this.row = row;
    this.log.clear();
    write(place("typing"), "");
    this.live.join(row.c);
    place("talk-empty").hidden = true;
    place("talk-open").hidden = false;
    this.render();
    this.read();
    this.log.toEnd();
  }

  close() {
    this.row = null;
    this.log.clear();
    place("talk-empty").hidden = false;
    place("talk-open").hidden = true;
    this.ends.drawn(null);
    this.ends.shown(null);
  }

  /** @param {Row} row as it is now */
  put(row) {
    if (row.c !== this.c) return;
    const [had, has] = [this.row?.adviser?.id, row.adviser];
    if (had === ME.id && has && has.id !== ME.id) toast(say("taken_over", { name: has.name }));
    this.row = row;
    this.render();
    this.read();
  }

  /** Something was said or has happened. */
  render() {
    const { row } = this;
    if (!row) return;
    this.log.show(this.live.ledger(row.c), this.live.pending(row.c));
    write(place("talk-title"), nameOf(row));
    write(place("talk-state"), this.#state(row));
    this.#act(row);
    this.ends.drawn(row);
    const mine = row.adviser?.id === ME.id && row.state !== "closed";
    const hint = row.state === "closed" ? "closed_hint" : !row.adviser ? "take_hint" : ME.supervisor ? "join_hint" : "over_hint";
    this.composer.show(row, mine || this.joined, say(hint));
  }

  /** Whether we speak here beside whose it is. */
  get joined() {
    const { row } = this;
    return Boolean(row && ME.supervisor && row.state !== "closed" && hasJoined(this.live.ledger(row.c).events, ME.id));
  }

  /** Say that it was read, when somebody looks at it and it is theirs to answer. */
  read() {
    const { row, live } = this;
    if (!row || !(row.adviser?.id === ME.id || this.joined)) return;
    const last = live.ledger(row.c).lastHeard(ME.by);
    if (last) live.mark(row.c, this.isRead(row) ? "seen" : "got", last);
  }

  /** @param {Row} row */
  isRead(row) {
    return row.c === this.c && (row.adviser?.id === ME.id || this.joined) && this.live.looks() && document.hasFocus();
  }

  /** @param {string} by who writes */
  typing(by) {
    clearTimeout(this.#writing);
    write(place("typing"), say("typing", { name: this.#name(by) }));
    this.#writing = setTimeout(() => write(place("typing"), ""), WRITES);
  }

  /** What was said ends what was being written. */
  heard() {
    clearTimeout(this.#writing);
    write(place("typing"), "");
  }

  /** @param {string} by */
  #name(by) {
    if (by === ME.by) return say("you");
    if (by === "customer") return this.row ? nameOf(this.row) : say("customer");
    return by === "system" ? say("system") : this.ends.name(by);
  }

  /** @param {Row} row */
  #state(row) {
    const here = say(row.customer.here ? "here" : "gone");
    const state = {
      waiting: row.offered ? say("state_offered", { name: row.offered.id === ME.id ? say("you") : this.ends.name(`adviser:${row.offered.id}`) }) : say("state_waiting", { time: ago(row.queued_at ?? row.updated_at) }),
      message: row.adviser ? (row.adviser.id === ME.id ? say("state_mine") : say("state_theirs", { name: row.adviser.name })) : say("state_message"),
      active: row.adviser?.id === ME.id ? say("state_mine") : say("state_theirs", { name: row.adviser?.name ?? say("somebody") }),
      closed: say("state_closed", { moment: row.closed_at ? moment(row.closed_at) : "" }),
    }[row.state];
    return [state, here, ...row.tags].join(" · ");
  }

  /** @param {import("../shared/lines.js").Said} said */
  #changes(said) {
    if (Date.now() - said.at > EDITABLE || this.row?.state === "closed") return [];
    const withdraw = { label: say("withdraw"), act: () => void this.live.send(this.c, "withdraw", { seq: said.seq }) };
    return said.what === "file" ? [withdraw] : [{ label: say("edit"), act: () => this.composer.edit(said) }, withdraw];
  }

  // -- what may be done -----------------------------------------------------------------------------------------------------

  /** @returns {Action[]} the first ones are shown, the quiet ones are in the menu */
  actions() {
    const { row } = this;
    if (!row) return [];
    if (row.state === "closed") return [{ name: "reopen", label: say("reopen"), primary: true }];
    if (row.adviser?.id === ME.id) {
      return [
        { name: "transfer", label: say("transfer"), act: this.ends.transfer },
        { name: "close", label: say("close") },
        { name: "release", label: say("release"), quiet: true },
      ];
    }
    if (!row.adviser) {
      const offered = row.offered?.id === ME.id;
      /** @type {Action[]} */
      const actions = [{ name: "accept", label: say(offered ? "accept" : "take"), primary: true }];
      if (offered) actions.push({ name: "pass", label: say("pass") });
      return [...actions, { name: "close", label: say("close"), quiet: true }];
    }
    /** @type {Action[]} */
    const beside = ME.supervisor ? [{ name: this.joined ? "leave" : "join", label: say(this.joined ? "leave" : "join"), primary: !this.joined }] : [];
    /** @type {Action[]} */
    const over = ME.supervisor ? [{ name: "transfer", label: say("transfer"), quiet: true, act: this.ends.transfer }] : [];
    return [...beside, { name: "takeover", label: say("takeover") }, ...over, { name: "close", label: say("close"), quiet: true }];
  }

  /** @param {Row} row */
  #act(row) {
    const actions = this.actions();
    const names = `${row.c} ${actions.map(({ name, label }) => name + label).join()}`;
    if (names === this.#buttons) return;
    this.#buttons = names;
    const made = (/** @type {Action} */ action) => {
      const one = element("button", { type: "button", class: action.quiet ? "" : `small-button${action.primary ? " primary" : ""}`, "data-action": action.name }, action.label);
      one.addEventListener("click", () => (action.act ? action.act() : void this.do(action.name)));
      return one;
    };
    const had = place("talk-actions").contains(document.activeElement);
    place("talk-actions").replaceChildren(...actions.filter((one) => !one.quiet).map(made));
    const quiet = actions.filter((one) => one.quiet).map(made);
    place("talk-menu").replaceChildren(...quiet);
    place("talk-menu").parentElement?.toggleAttribute("hidden", !quiet.length);
    if (had) place("text").focus();
  }

  /**
   * Do with it what its buttons and shortcuts say.
   * @param {string} name
   * @param {string} [c]
   * @returns {Promise<boolean>} whether it was done
   */
  async do(name, c = this.c) {
    const done = await attempt(post(`/desk/conversations/${c}/${name}`));
    if (!done) {
      const now = await get(`/desk/conversations/${c}`).catch(() => null);
      if (now) this.ends.changed(now.row);
      return false;
    }
    this.ends.changed(done.row);
    if (name === "close") toast(say("closed_now"), { act: { label: say("undo"), run: () => void this.do("reopen", c) } });
    if (name === "release") toast(say("released"));
    if (["accept", "takeover", "join", "reopen"].includes(name) && c === this.c) place("text").focus();
    return true;
  }
}
