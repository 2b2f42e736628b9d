// The conversation beside the call: the same as on the chat page and the dashboard, kept with everything else that was said.

import { Refusal } from "../shared/ask.js";
import { Chime } from "../shared/chime.js";
import { Live, Over } from "../shared/live.js";
import { Log } from "../shared/log.js";
import { filled } from "../shared/text.js";
import { upload } from "../shared/upload.js";
import { Composer } from "../chat/compose.js";
import { Files } from "../chat/files.js";
import { words as chatWords } from "../chat/page.js";
import { standing, told } from "../chat/standing.js";
import { customer, given, HEADERS, post, say, the, write } from "./page.js";

const EDITABLE = 15 * 60_000; // milliseconds for which one's own words can be changed
const SPOKEN = new Set(["text", "file"]);
const PATIENCE = 2_500; // milliseconds in which a connection may come back before anything is said
const WRITES = 6_000; // milliseconds for which somebody who has typed is writing

/** What is told to the customer alone, or to nobody while they talk. */
const QUIET = new Set(["opened", "queued", "message", "rated", "tagged", ...(customer ? [] : ["mailed", "closed", "callback", "undelivered"])]);

/**
 * What happened, in words; advisers are told of whom they talk with, and not of themselves.
 * @param {import("../shared/ledger.js").LiveEvent} event
 */
function happened(event) {
  const { kind, body } = event;
  if (QUIET.has(kind) || given.by === `adviser:${body?.adviser}`) return "";
  return told(kind === "call" && !customer ? { ...event, body: { ...body, name: given.peer } } : event, chatWords, "");
}

export class Talk {
  #c = "";
  #drawing = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #writing;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #lost;
  #chime = new Chime("sound");

  /** @param {() => void} changed what is unread, or whether it is open, is another */
  constructor(changed) {
    this.changed = changed;
    this.unread = 0;
    const scope = customer ? `room-${given.uid}` : given.by.replace(":", "-").replace("adviser", "desk");
    this.live = new Live({ scope, by: given.by, pass: () => this.#pass() });
    this.log = new Log(the("log"), {
      me: given.by,
      words: chatWords,
      jump: the("jump"),
      files: given.urls.file,
      name: (by) => (by === given.by ? say("you") : this.#name(by)),
      told: (event) => happened(event),
      actions: ({ what, seq, at, text, body }) => {
        if (body?.via || Date.now() - at > EDITABLE) return [];
        const withdraw = { label: chatWords.withdraw ?? "", act: () => void this.live.send(this.#c, "withdraw", { seq }) };
        return what === "text" ? [{ label: chatWords.edit ?? "", act: () => this.composer.edit(seq, text) }, withdraw] : [withdraw];
      },
      settle: (id, how) => this.live.settle(id, how),
    });
    this.composer = new Composer({
      typing: () => this.#c && this.live.typing(this.#c),
      change: (seq, text) => void this.live.send(this.#c, "edit", { seq, text }),
      send: (text) => {
        if (!this.#c) return false;
        this.live.send(this.#c, "text", { text });
        this.log.toEnd();
        return true;
      },
    });
    /** @type {import("../chat/files.js").Send} */
    const send = (c, file, progress, { signal }) => upload(filled(given.urls.files, { c }), file, progress, { signal, headers: HEADERS });
    new Files(() => this.#c, (c, sent) => void this.live.send(c, "file", sent), (wrong) => this.composer.complain(wrong), send);
    this.#hear();
    addEventListener("focus", () => this.#soon());
    document.addEventListener("visibilitychange", () => this.#soon());
  }

  /** @param {string} c */
  go(c) {
    if (!c || c === this.#c) return;
    const begins = this.#c === "";
    this.#c = c;
    the("log").setAttribute("aria-busy", "true"); // what was said before is not read aloud
    this.live.join(c);
    if (begins) void this.live.start();
  }

  stop() {
    this.live.stop();
  }

  async #pass() {
    try {
      const { token } = await post(given.urls.pass);
      return { token, by: given.by };
    } catch (error) {
      throw error instanceof Refusal && (error.status === 401 || error.status === 404) ? new Over() : error;
    }
  }

  /** @param {string} by */
  #name(by) {
    if (by === "customer") return given.peer;
    return standing(this.live.ledger(this.#c).events).names.get(by) ?? given.peer ?? given.organisation;
  }

  #hear() {
    const { live } = this;
    live.on("event", (event) => {
      if (event.c !== this.#c) return;
      if (event.by !== given.by && event.kind !== "got" && event.kind !== "seen") this.#typing("");
      if (live.ledger(event.c).caught && SPOKEN.has(event.kind) && event.by !== given.by && the("chat").hidden) this.#chime.play();
      this.#soon();
    });
    live.on("outbox", () => this.#soon());
    live.on("reset", () => {
      this.log.clear();
      this.#soon();
    });
    live.on("caught", ({ c }) => {
      if (c === this.#c) the("log").setAttribute("aria-busy", "false");
      this.#soon();
    });
    live.on("typing", ({ c, by }) => c === this.#c && by !== given.by && this.#typing(this.#name(by)));
    live.on("status", ({ state }) => {
      clearTimeout(this.#lost);
      if (state === "open") return write(the("strip"), "");
      this.#lost = setTimeout(() => write(the("strip"), (navigator.onLine ? chatWords.reconnecting : chatWords.no_network) ?? ""), PATIENCE);
    });
  }

  /** @param {string} name who writes; "" when they have said it */
  #typing(name) {
    clearTimeout(this.#writing);
    write(the("typing"), name && filled(chatWords.typing, { name }));
    if (name) this.#writing = setTimeout(() => this.#typing(""), WRITES);
  }

  /** What comes together is shown together. */
  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.show();
    });
  }

  show() {
    if (!this.#c) return;
    const ledger = this.live.ledger(this.#c);
    const shown = !the("chat").hidden;
    if (shown) this.log.show(ledger, this.live.pending(this.#c));
    const last = ledger.lastHeard(given.by);
    const reads = shown && this.live.looks();
    if (last) this.live.mark(this.#c, reads ? "seen" : "got", last);
    const { seen } = ledger.marks[customer ? "customer" : "adviser"];
    this.unread = reads ? 0 : ledger.events.filter((one) => one.seq > seen && SPOKEN.has(one.kind) && one.by !== given.by).length;
    write(the("unread-count"), String(this.unread));
    the("unread").hidden = !this.unread;
    this.changed();
  }

  /** Whether there is nothing but the conversation, which then stays. */
  get isAll() {
    const { only, phase } = the("room").dataset;
    return only === "text" && phase === "call";
  }

  get isOpen() {
    return !the("chat").hidden;
  }

  open(focus = true) {
    the("chat").hidden = false;
    the("room").dataset.chat = "open";
    the("open-chat").setAttribute("aria-expanded", "true");
    this.show();
    this.log.toEnd();
    if (focus) the("message").focus({ preventScroll: true });
  }

  close() {
    if (this.isAll) return the("message").focus();
    const within = the("chat").contains(document.activeElement);
    the("chat").hidden = true;
    the("room").dataset.chat = "";
    the("open-chat").setAttribute("aria-expanded", "false");
    if (within) the("open-chat").focus();
    this.changed();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }
}
