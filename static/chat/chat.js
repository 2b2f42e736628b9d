// The customer's chat page: puts its parts together, and shows where the conversation stands.

import { AT, ask } from "../shared/ask.js";
import { Ledger } from "../shared/ledger.js";
import { Live } from "../shared/live.js";
import { Log } from "../shared/log.js";
import { menu } from "../shared/menu.js";
import { keyOf, remember, remembered } from "../shared/remembered.js";
import { dayName } from "../shared/time.js";
import { filled } from "../shared/text.js";
import { Asked } from "./asked.js";
import { Beginning } from "./begin.js";
import { Composer } from "./compose.js";
import { dialogs, failed } from "./dialogs.js";
import { Head } from "./head.js";
import { given, mark, the, words } from "./page.js";
import { Session } from "./session.js";
import { standing, told } from "./standing.js";
import { Strip } from "./strip.js";
import { Unread } from "./unread.js";

/** @typedef {import("../shared/ledger.js").LiveEvent} LiveEvent */
/** @typedef {import("./call.js").Calling} Calling */

const EDITABLE = 15 * 60_000; // milliseconds for which one's own words can be changed
const LOOK = 15_000; // milliseconds between looks at what time changes
const OVER = 3_600_000; // milliseconds after which a conversation that has ended is not what somebody comes back for
const MOVES = new Set(["joined", "left", "lost", "transferred", "queued", "message", "closed", "reopened"]);
const NOBODY = new Ledger();

let current = ""; // the conversation that goes on, or the last one until another is begun
/** @type {import("./history.js").Past | null} */
let past = null; // what is read instead
/** @type {import("./begin.js").First | null} */
let first = null; // what began the conversation, until it has come back as an event
let ahead = 0; // milliseconds that the server's clock is ahead of ours
let ended = false;
let leaves = false; // they have ended it themselves: the focus follows
let askedAt = -Infinity; // when we last knew who we are
/** @type {Calling | null} */
let calling = null; // once there has been a call

const frame = AT ? await import("./frame.js") : null; // we are inside of another site's page, or were
const session = new Session();
const live = new Live({ scope: frame?.scope ?? "chat", pass: () => session.pass(), by: "customer" });
const [head, strip, unread, asked] = [new Head(), new Strip(), new Unread(live), new Asked()];
const shown = () => past?.c ?? current;
const email = () => session.known?.you.email ?? "";
/** @param {string} by */
const nameOf = (by) => standing(live.ledger(shown()).events).names.get(by) ?? words.somebody ?? "";
const state = () => (current ? standing(live.ledger(current).events) : null);

const log = new Log(the("log"), {
  me: "customer",
  words,
  jump: the("jump"),
  name: (by) => (by === "customer" ? words.you : nameOf(by)) ?? "",
  // A call that nobody answered is told as such, and not as a message.
  told: (event) => (event.kind === "message" && live.ledger(event.c).events[event.seq]?.kind === "call" ? "" : told(event, words, email())),
  actions,
  settle: (id, how) => live.settle(id, how),
});

const beginning = new Beginning(session, live, { changed: show, begun, refused });

const composer = new Composer({
  typing: () => (current ? live.typing(current) : beginning.prepare()),
  change: (seq, text) => void live.send(current, "edit", { seq, text }),
  send: (text) => {
    if (current) live.send(current, "text", { text });
    else {
      const who = asked.values();
      if (beginning.waiting) composer.complain(words.sending);
      if (!who || beginning.waiting) return false;
      beginning.send({ text, ...who });
    }
    log.toEnd();
    return true;
  },
});

the("attach").addEventListener("click", () => current || composer.complain(words.first_text));

// -- the conversation ---------------------------------------------------------------------------------------------------

/** @param {string} c */
function go(c) {
  if (c === current) return;
  if (current) live.leave(current);
  current = c;
  ended = false;
  if (!past) log.clear();
  if (c) {
    the("log").setAttribute("aria-busy", "true"); // what was said before is not read aloud
    live.join(c);
  }
  remember("open", c);
  show();
}

/** @param {string} c the conversation that the first message is in */
function begun(c) {
  if (c !== current) log.toEnd();
  go(c);
  void look();
}

/**
 * @param {import("./begin.js").First} refusedFirst
 * @param {import("../shared/ask.js").Refusal} refusal
 */
function refused(refusedFirst, refusal) {
  first = null;
  composer.text = refusedFirst.text;
  if (refusal.errors.email && !email()) asked.show([...new Set([...needed(), "email"])], true);
  const { text, ...fields } = refusal.errors;
  if (!asked.complain(fields)) composer.complain(text ?? failed(refusal));
  void look();
}

/**
 * What may be done with one's own message.
 * @param {import("../shared/lines.js").Said} said
 */
function actions({ what, seq, at, text, body }) {
  if (past || state()?.state === "closed" || body?.via || Date.now() + ahead - at > EDITABLE) return [];
  const withdraw = { label: words.withdraw ?? "", act: () => void live.send(current, "withdraw", { seq }) };
  return what === "text" ? [{ label: words.edit ?? "", act: () => composer.edit(seq, text) }, withdraw] : [withdraw];
}

/** Ask who we are, and what has become of the conversation. */
async function look() {
  const known = await session.askAnew().catch(() => null);
  if (!current && !beginning.waiting && !known?.open) go(remembered("open"));
  if (!known) return;
  askedAt = Date.now();
  head.reply = known.reply;
  if (known.open) go(known.open);
  head.with(known.open ? known.adviser : null);
  live.watch(head.watched);
  const { name, email: address } = known.you;
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".chat a[href*='/book']"))) {
    const to = new URL(link.href);
    for (const [field, value] of Object.entries({ name, email: address })) if (value) to.searchParams.set(field, value);
    link.href = to.pathname + to.search;
  }
  show();
}

/** The fields that a new conversation needs. */
function needed() {
  const { known } = session;
  if (!known || current || beginning.waiting) return [];
  return [...new Set([...known.prechat, ...(head.attended || email() ? [] : ["email"])])];
}

/** Show everything as it is now. */
function show() {
  const ledger = shown() ? live.ledger(shown()) : NOBODY;
  const now = standing(ledger.events);
  const [closed, reading] = [Boolean(current) && now.state === "closed", past !== null];
  first = beginning.waiting ?? first;
  if (first && ledger.events.some((event) => event.id === first?.id)) first = null;
  const item = first && !reading && { c: "", id: first.id, kind: "text", body: { text: first.text }, n: first.at };
  const pending = shown() ? live.pending(shown()) : [];
  log.show(ledger, item && !pending.some(({ id }) => id === item.id) ? [item, ...pending] : pending);

  given.mode = head.attended ? "talk" : "message";
  the("greeting").hidden = reading;
  const lost = document.activeElement && the("compose").contains(document.activeElement) && (closed || reading);
  the("compose").hidden = closed || reading || (!current && given.silent === "1");
  the("ended").hidden = !closed || reading;
  the("past").hidden = !reading;
  if (lost || (leaves && closed)) (reading ? the("past-title") : the("ended-title")).focus();
  leaves &&= !closed;
  if (shown()) void equip();
  if (closed !== ended) {
    ended = closed;
    the("rating").hidden = now.rated;
    the("thanks").textContent = "";
    if (!now.rated) the("rating").reset();
  }
  for (const button of document.querySelectorAll("[data-dialog]")) {
    /** @type {HTMLElement} */ (button).hidden = !shown() || (closed && button.closest("#menu") !== null) || (reading && button.closest("#menu") !== null);
  }
  the("message").placeholder = current || head.attended ? words.write : words.write_message;

  const unreachable = Boolean(current) && now.state === "message" && session.known !== null && !email();
  const fields = unreachable ? ["email"] : needed();
  asked.show(fields, unreachable || (!head.attended && fields.includes("email")));
  the("keep-address").hidden = !unreachable;
  for (const button of document.querySelectorAll("[data-call]")) {
    /** @type {HTMLElement} */ (button).hidden = reading || !head.callable || Boolean(calling?.on);
  }
  strip.queue(Boolean(current) && !reading && now.state === "waiting" && ledger.events.length > 0);
  if (current) unread.look(current, !reading && live.looks());
  frame?.shown({ unread: current ? unread.count : 0, talking: (Boolean(current) && !closed) || Boolean(calling?.on) });
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let soon;
/** What comes together is shown together. */
function later() {
  clearTimeout(soon);
  soon = setTimeout(show);
}

// -- what happens -------------------------------------------------------------------------------------------------------

live.on("event", (event) => {
  const { c, kind, by } = event;
  if (c !== shown() && c !== current) return;
  if (live.ledger(c).caught && c === current) {
    if (MOVES.has(kind)) void look();
    unread.said(event);
    if (by !== "customer" && kind !== "got" && kind !== "seen") strip.typing(""); // who reads may write still
  }
  later();
});
live.on("outbox", later);
live.on("reset", () => {
  log.clear();
  later();
});
live.on("caught", ({ c }) => {
  if (c === shown()) the("log").setAttribute("aria-busy", "false");
  const { events } = live.ledger(c);
  if (c === current && !past && standing(events).state === "closed" && Date.now() + ahead - (events.at(-1)?.at ?? 0) > OVER) go("");
  later();
});
live.on("unknown", ({ c }) => {
  if (c !== current) return;
  current = "";
  remember("open", "");
  log.clear();
  show();
});
live.on("status", (status) => strip.status(status));
live.on("welcome", ({ now }) => {
  ahead = now - Date.now();
  if (Date.now() - askedAt > LOOK) void look();
});
live.on("typing", ({ c, by }) => {
  if (c === current && by !== "customer") strip.typing(standing(live.ledger(c).events).names.get(by) ?? words.somebody ?? "");
});
live.on("place", ({ c, position, wait }) => c === current && strip.queue(state()?.state === "waiting", { position, wait }));
live.on("presence", (frame) => {
  head.heard(/** @type {any} */ (frame));
  show();
});

live.on("calls", ({ calls }) => {
  if (calls.length || calling) void call((part) => part.heard(calls));
  if (calls.some(({ c }) => c && c !== current)) void look(); // it is told in a conversation
});

document.addEventListener("visibilitychange", () => (document.hidden ? show() : void look()));
addEventListener("focus", show);
addEventListener("storage", ({ key }) => key === keyOf("open") && !past && void look());
setInterval(show, LOOK);
setInterval(() => head.show(), 60_000);

// -- what is asked for ----------------------------------------------------------------------------------------------------

menu(the("more"), the("menu"));
dialogs();
let equipped = false;
/** There is a conversation: files go into it, and it may be rated and kept. */
async function equip() {
  if (equipped) return;
  equipped = true;
  const [{ Files }, { rating, transcript }] = await Promise.all([import("./files.js"), import("./ended.js")]);
  new Files(
    () => (past ? "" : current),
    (c, sent) => void live.send(c, "file", sent),
    (wrong) => composer.complain(wrong),
  );
  rating(() => current);
  transcript(shown, email);
}

/** @type {Promise<Calling> | undefined} */
let fetching;
/** What calls need, fetched with the first of them. */
function callings() {
  const write = () => the(the("compose").hidden ? "anew" : "message").focus();
  const drawn = (/** @type {string} */ caller) => {
    unread.caller = caller;
    show();
  };
  fetching ??= import("./call.js").then(({ fetched }) => fetched({ live, head, needed, now: () => Date.now() + ahead, look, write, drawn }));
  fetching.then(
    (part) => (calling = part),
    () => (fetching = undefined), // it may come the next time
  );
  return fetching;
}

/** @param {(calling: Calling) => void} act */
const call = (act) => callings().then(act, (error) => composer.complain(failed(error)));

for (const button of document.querySelectorAll("[data-call]")) {
  button.addEventListener("click", () => call((part) => part.begin(/** @type {any} */ (button).dataset.call)));
}

the("show-past").addEventListener("click", async () => (await import("./history.js")).history(read));

/** @param {import("./history.js").Past} one */
function read(one) {
  past = one;
  log.clear();
  live.join(one.c);
  the("past-title").textContent = filled(words.past_of, { day: dayName(one.created_at) });
  show();
  the("past-title").focus();
}

the("leave-past").addEventListener("click", () => {
  if (past && past.c !== current) live.leave(past.c);
  past = null;
  log.clear();
  show();
  (the("compose").hidden ? the("ended-title") : the("message")).focus();
});

the("ending").addEventListener("close", async (/** @type {any} */ { target }) => {
  if (target.returnValue !== "end") return;
  target.returnValue = "";
  leaves = true;
  await ask(`/chat/conversations/${current}/end`, {}).catch((error) => composer.complain(failed(error)));
});

the("anew").addEventListener("click", () => {
  go("");
  head.with(null);
  show();
  the("message").focus();
  void look();
});

the("keep-address").addEventListener("click", async () => {
  const who = asked.values();
  if (!who) return;
  try {
    await session.introduce({ email: who.email });
    show();
    composer.complain("");
    the("message").focus();
  } catch (error) {
    mark("ask-email", failed(error));
  }
});

await frame?.begin({ session, live, look, current: () => current, name: nameOf });
await look();
void live.start();
void beginning.go();

const wish = new URLSearchParams(location.search).get("call");
if (wish) void call((part) => part.wish(wish));
