// The adviser's dashboard: the live connection, and which part of the page hears what.

import { Live, Over } from "../shared/live.js";
import { menu } from "../shared/menu.js";
import { About } from "./about.js";
import { call, offerAlerts, titled } from "./alerts.js";
import { Calls } from "./calls.js";
import { loadCanned, lookAfterCanned } from "./canned.js";
import { forgetDrafts } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Inbox, nameOf } from "./inbox.js";
import { listenForKeys } from "./keys.js";
import { Offers } from "./offers.js";
import { button, dialog, field, ME, place, post, Refusal, say, wide, write } from "./page.js";
import { Team } from "./team.js";
import { toast } from "./toasts.js";
import { Transfer } from "./transfer.js";

/** @typedef {import("./rows.js").Row} Row */

const LISTENED = 100; // conversations of one's own that are listened to at once
const TOGETHER = 100; // milliseconds in which a hidden page draws once
const PATIENCE = 1_500; // milliseconds for which a lost connection is not worth a word
const APPOINTMENTS = 5 * 60_000; // milliseconds between looks at the agenda

const desk = place("desk");

const live = new Live({
  scope: `desk-${ME.id}`,
  by: ME.by,
  pass: async () => {
    try {
      const { token } = await post("/desk/token");
      return { token, by: ME.by };
    } catch (error) {
      throw error instanceof Refusal && error.status === 401 ? new Over() : error;
    }
  },
});

const team = new Team(live, () => {
  inbox.waiting = team.load.waiting;
  inbox.render();
  if (conversation.row) conversation.render();
});
const inbox = new Inbox({
  choose: (c) => void open(c, wide() ? "text" : "title"),
  changed: () => changed(),
  isRead: (row) => conversation.isRead(row),
});
const about = new About((row) => known(row));
const conversation = new Conversation(live, {
  name: (by) => team.name(by),
  shown: (whole) => {
    about.show(whole);
    tab(whole ? "customer" : "team");
  },
  changed: (row) => known(row),
  gone: (c) => {
    toast(say("unknown"), { bad: true });
    away(c);
  },
  transfer: () => conversation.row && transfer.open(conversation.row),
  drawn: (row) => calls.beside(row),
});
const transfer = new Transfer(team, (c) => {
  inbox.drop(c);
  away(c);
  void inbox.load();
});
const offers = new Offers({
  accept: (c) => void accept(c),
  pass: (c) => void conversation.do("pass", c),
  ring: (row) => {
    if (live.leads) call({ title: say("offer_title"), text: `${nameOf(row)}: ${row.preview}`, tag: row.c, looks: live.looks(), open: () => void open(row.c, "text") });
  },
});
const calls = new Calls({
  leads: () => live.leads,
  tell: ({ c, ...news }) => {
    if (live.leads) call({ ...news, looks: live.looks(), open: () => void open(c, "text") });
  },
  changed: () => titles(),
  open: (c) => void open(c, "text"),
});

// -- opening ----------------------------------------------------------------------------------------------------------------

/** @param {"list" | "talk" | "about"} pane that has the page, where there is room for one */
function pane(pane) {
  desk.dataset.pane = pane;
}

/** @param {"customer" | "team"} name */
function tab(name) {
  for (const one of place("about-tabs").querySelectorAll("button")) one.setAttribute("aria-pressed", String(one.dataset.tab === name));
  place("customer").hidden = name !== "customer";
  place("team").hidden = name !== "team";
}

/**
 * @param {string} c
 * @param {"text" | "title" | "row" | ""} focus where it goes
 */
async function open(c, focus) {
  if (!c) return;
  if (location.hash !== `#${c}`) history.pushState(null, "", `#${c}`);
  inbox.opened = c;
  pane("talk");
  const opening = conversation.c === c ? null : conversation.open(c, inbox.rows.get(c));
  inbox.render();
  listen();
  if (focus === "text") place("text").focus({ preventScroll: true });
  else if (focus === "title") place("talk-title").focus({ preventScroll: true });
  else if (focus === "row") inbox.focus(c);
  await opening;
  if (focus === "text" && inbox.opened === c && document.activeElement === document.body) place("text").focus({ preventScroll: true });
}

/** @param {string} [c] only if this one is open */
function away(c) {
  if (c && inbox.opened !== c) return;
  const was = inbox.opened;
  if (location.hash) history.pushState(null, "", location.pathname);
  inbox.opened = "";
  conversation.close();
  pane("list");
  inbox.render();
  inbox.focus(was);
}

function followHash() {
  const c = location.hash.slice(1);
  if (c) void open(c, wide() ? "text" : "title");
  else if (inbox.opened) away();
}

/** @param {string} c */
async function accept(c) {
  if (await conversation.do("accept", c)) await open(c, "text");
}

// -- hearing ----------------------------------------------------------------------------------------------------------------

/** @param {Row} row as it is now, wherever we know it from */
function known(row) {
  // An answer may overtake what was pushed before it.
  if (row.last_seq < (inbox.rows.get(row.c)?.last_seq ?? 0)) return;
  inbox.put(row);
  conversation.put(row);
  about.put(row);
}

/** The lists have changed. */
function changed() {
  offers.show(inbox.rows.values());
  team.show(ME.supervisor ? [...inbox.rows.values()].filter((row) => row.state === "active") : []);
  titles();
  listen();
}

function titles() {
  titled(inbox.unread() + offers.count + calls.count, calls.caller);
}

/** Listen to what is open, and to what is one's own: so opening it shows it at once. */
function listen() {
  const mine = inbox.mine().filter((row) => row.adviser?.id === ME.id);
  const wanted = new Set([inbox.opened, ...mine.slice(0, LISTENED).map((row) => row.c)].filter(Boolean));
  for (const c of [...live.joined]) if (!wanted.has(c)) live.leave(c);
  for (const c of wanted) if (!live.joined.has(c)) live.join(c);
}

live.on("card", ({ c, row }) => {
  team.soon();
  if (row) return known(row);
  const open = conversation.c === c;
  inbox.drop(c);
  if (open) {
    toast(say("moved_away"));
    away(c);
  }
});
live.on("event", (event) => {
  const { c, by, kind, at, body } = event;
  const row = inbox.rows.get(c);
  if (by === "customer" && (kind === "text" || kind === "file") && row?.adviser?.id === ME.id) {
    if (live.ledger(c).caught) received(c);
    const fresh = live.ledger(c).caught && Date.now() - at < 60_000;
    if (fresh && live.leads && !conversation.isRead(row)) {
      const text = body.text ?? body.name ?? "";
      call({ title: say("new_message", { name: nameOf(row) }), text, tag: c, looks: live.looks(), open: () => void open(c, "text") });
    }
  }
  if (c !== conversation.c) return;
  if (kind !== "got" && kind !== "seen") conversation.heard(); // who reads may write still
  draw();
});
live.on("outbox", ({ c }) => c === conversation.c && draw());
live.on("caught", ({ c }) => (c === conversation.c ? draw() : received(c)));
live.on("reset", ({ c }) => c === conversation.c && draw());
live.on("unknown", ({ c }) => {
  if (c !== conversation.c) return;
  inbox.drop(c);
  away(c);
});
live.on("calls", (frame) => calls.show(frame.calls));
live.on("typing", ({ c, by }) => c === conversation.c && by !== ME.by && conversation.typing(by));
live.on("welcome", () => {
  void inbox.load();
  void team.look();
});

/** @param {string} c one's own, that is not open: what came is here */
function received(c) {
  const last = live.ledger(c).lastHeard(ME.by);
  if (last && c !== conversation.c && inbox.rows.get(c)?.adviser?.id === ME.id) live.mark(c, "got", last);
}

let drawing = false;
/** Many events, one picture. A hidden page gets no frames, and what came to it has come all the same. */
function draw() {
  if (drawing) return;
  drawing = true;
  const now = () => {
    drawing = false;
    conversation.render();
    conversation.read();
  };
  if (document.hidden) setTimeout(now, TOGETHER);
  else requestAnimationFrame(now);
}

let leaving = false; // by signing out
place("sign-out").addEventListener("submit", () => {
  leaving = true;
  forgetDrafts();
});

/** @type {number | undefined} */
let lost;
live.on("status", ({ state }) => {
  clearTimeout(lost);
  if (state === "ended" && live.leads && !leaving && !dialog("over").open) dialog("over").showModal();
  if (state === "open") return write(place("link-state"), "");
  lost = setTimeout(() => write(place("link-state"), say(navigator.onLine ? "reconnecting" : "no_network")), PATIENCE);
});

/** Somebody looks again, or has just turned away. */
function looked() {
  conversation.read();
  inbox.render();
  titles();
}
for (const name of ["focus", "blur", "visibilitychange"]) addEventListener(name, looked, true);

// -- the page ---------------------------------------------------------------------------------------------------------------

menu(button("more"), place("menu"));
offerAlerts();
lookAfterCanned();
addEventListener("hashchange", followHash);
addEventListener("popstate", followHash);
button("back").addEventListener("click", () => away());
button("show-about").addEventListener("click", () => {
  pane("about");
  tab("customer");
  button("about-back").focus();
});
button("about-back").addEventListener("click", () => {
  pane(conversation.row ? "talk" : "list");
  button("show-about").focus();
});
place("about-tabs").addEventListener("click", (event) => {
  const name = /** @type {Element} */ (event.target).closest("button")?.dataset.tab;
  if (name) tab(/** @type {"customer" | "team"} */ (name));
});
document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest("[data-close]")) target.closest("dialog")?.close();
  const c = target.closest("a[data-open]")?.getAttribute("data-open");
  if (!c || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  void open(c, wide() ? "text" : "title");
});

/** @param {string} name of what the open conversation's buttons do */
function act(name) {
  const action = conversation.actions().find((one) => one.name === name);
  if (action) action.act ? action.act() : void conversation.do(name);
}
const views = [...place("views").querySelectorAll("button")];
listenForKeys({
  j: () => void open(inbox.beside(1), "row"),
  k: () => void open(inbox.beside(-1), "row"),
  r: () => conversation.row && conversation.composer.write("reply"),
  n: () => conversation.row && conversation.composer.write("note"),
  a: () => (calls.first ? void calls.accept(calls.first) : offers.first ? void accept(offers.first) : act("accept")),
  d: () => calls.first && void calls.decline(calls.first),
  l: () => calls.waiting && void calls.admit(calls.waiting),
  p: () => offers.first && void conversation.do("pass", offers.first),
  t: () => act("transfer"),
  e: () => act("close"),
  c: () => {
    if (!conversation.row) return;
    pane("about");
    tab("customer");
    place("customer").focus();
  },
  "/": () => {
    pane("list");
    field("search").focus();
  },
  "?": () => dialog("help").showModal(),
  Escape: () => {
    if (desk.dataset.pane === "about") pane("talk");
    else if (conversation.row && !wide()) away();
    else inbox.focus(inbox.opened);
  },
  ...Object.fromEntries(views.map((one, at) => [String(at + 1), () => one.click()])),
});

void loadCanned();
void team.next();
setInterval(() => document.visibilityState === "visible" && void team.next(), APPOINTMENTS);
about.show(null);
await live.start();
followHash();
