// The chat inside of another site's page, and in what was popped out of it: who its reader is, and what the page around it is told.
// Fetched there alone.

import { AT, Refusal, ask, here } from "../shared/ask.js";
import { windowAhead } from "../shared/calls.js";
import { enter } from "../shared/enter.js";
import { framed, next, on, tell } from "../shared/host.js";
import { remember } from "../shared/remembered.js";
import { forgetVisitor, isKept, keeps, keepVisitor, NAME, visitorToken } from "../shared/visitor.js";
import { given, the, words } from "./page.js";

/**
 * @typedef {import("./session.js").Known} Known
 * @typedef {{
 *   session: import("./session.js").Session,
 *   live: import("../shared/live.js").Live,
 *   look: () => Promise<void>,
 *   current: () => string,
 *   name: (by: string) => string,
 * }} Chat
 */

const HANDSHAKE = 2_000; // milliseconds in which the page around us says that it is there
const SAYS = 400; // and who its customer is, if it knows
const MUST = 3_000; // and where it must
const SPOKEN = new Set(["text", "file"]);

/** Our connection is ours alone: another site's page in the same browser is somebody else's. */
export const scope = `chat-${AT.split("/")[2]}`;

let [identity, ticket] = ["", new URLSearchParams(location.hash.slice(1)).get("ticket") ?? ""];
let forget = new URLSearchParams(location.search).has("forget"); // who this was, also where only a cookie tells
let asks = false; // the page around us, who its customer is
let why = ""; // we were refused
if (ticket) history.replaceState(null, "", location.pathname + location.search);

/** @param {Chat} chat */
export async function begin({ session, live, look, current, name }) {
  let other = false; // somebody else than before
  /** @type {boolean | undefined} */ let verified;
  session.vouching = {
    fields: () => {
      const fields = { identity, ticket, forget, unkept: !keeps() };
      [identity, ticket] = ["", ""]; // each is good once
      return fields;
    },
    answered: ({ visitor }) => {
      if (forget) history.replaceState(null, "", address());
      forget = false;
      other = Boolean(visitor && visitorToken() && visitor !== visitorToken());
      if (visitor) keepVisitor(visitor);
    },
    known: (known) => {
      stranger(false);
      why = "";
      const became = known.verified && verified === false; // and our connection knows nothing of it
      if (other || (became && known.open && known.open !== current())) return anew();
      if (known.verified !== verified) tell({ t: "ready", verified: (verified = known.verified ?? false) });
      if (known.verified || asks || given.vouching === "off") return;
      asks = true;
      tell({ t: "identity" });
    },
    refused,
  };
  on("identity", ({ token }) => {
    identity = token;
    why = "";
    if (!token) return; // nobody has signed in
    if (session.known || the("chat").hasAttribute("data-stranger")) void look(); // else it is about to be asked
  });
  on("page", ({ url }) => (given.page = String(url ?? "")));
  on("prefill", prefill);
  on("forget", () => {
    forgetVisitor();
    for (const one of ["open", "first"]) remember(one, "");
    for (const id of [...live.outbox.items.keys()]) live.outbox.remove(id);
    the("message").value = "";
    the("message").dispatchEvent(new Event("input")); // the draft, too
    anew(true);
  });
  addEventListener("storage", ({ key, newValue }) => {
    if (key === NAME && (newValue ?? "") !== visitorToken()) anew(); // another page has been told who it is
  });
  told(live, name);
  the("pop-out").hidden = !framed;
  document.getElementById("menu-audio")?.addEventListener("click", () => /** @type {HTMLElement} */ (document.querySelector("[data-call=audio]")).click());
  the("pop-out").addEventListener("click", () => void popOut());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open], [aria-expanded=true]")) tell({ t: "close" });
  });
  if (framed && !visitorToken() && !ticket && given.vouching !== "off") {
    if (!(await next("port", HANDSHAKE))) return;
    asks = true;
    tell({ t: "identity" });
    await next("identity", given.vouching === "required" ? MUST : SAYS);
  }
}

/**
 * The server does not take us as we are: what the page around us says may help.
 * @param {unknown} error
 * @returns {boolean} whether to ask once more, as nobody it knows
 */
function refused(error) {
  if (error instanceof Refusal && error.passes) asks = false; // what was signed may have been lost on the way: it is good once
  if (!(error instanceof Refusal) || !/^identity-/.test(error.code)) return false;
  const reason = error.more.reason ?? error.code;
  if (reason === why) return false; // it has been told
  why = reason;
  console.error(`presence: ${reason}: ${error.message}`);
  tell({ t: "refused", reason, detail: error.message });
  if (error.more.reason && given.vouching !== "required") return true;
  stranger(true);
  if (!asks) {
    asks = true;
    tell({ t: "identity" });
  }
  return false;
}

/** @param {boolean} yes whether nobody is known here, though somebody must be */
function stranger(yes) {
  the("stranger").hidden = !yes;
  the("chat").toggleAttribute("data-stranger", yes);
}

/**
 * Begin once more as who is known now.
 * @param {boolean} [nobody] whoever that was has gone
 */
function anew(nobody = false) {
  const there = address(nobody ? { forget: "1" } : {});
  if (isKept()) location.replace(there);
  else enter(there);
}

/**
 * This page's own address, which is good more than once.
 * @param {Record<string, string>} [more]
 */
function address(more = {}) {
  const query = new URLSearchParams(location.search);
  query.delete("forget");
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return query.size ? `${location.pathname}?${query}` : location.pathname;
}

/** @param {{ name?: unknown, email?: unknown, phone?: unknown }} known what the page around us knows of its reader */
function prefill({ name, email, phone }) {
  for (const [id, value] of Object.entries({ "ask-name": name, "ask-email": email })) {
    if (typeof value === "string") the(id).value ||= value.slice(0, 254);
  }
  if (typeof phone === "string") given.phone = phone.slice(0, 40);
}

/**
 * What happens is told to the page around us.
 * @param {import("../shared/live.js").Live} live
 * @param {(by: string) => string} name
 */
function told(live, name) {
  live.on("event", ({ c, kind, by, body }) => {
    if (!live.ledger(c).caught) return;
    if (SPOKEN.has(kind) && by !== "customer") tell({ t: "message", by: name(by) });
    if (kind === "booked") tell({ t: "booked", starts_at: body.starts_at, service: body.service });
  });
  let ringing = "";
  live.on("calls", ({ calls }) => {
    const one = calls.find(({ state }) => state === "ringing");
    if (one && one.call !== ringing) tell({ t: "call", state: "ringing", medium: one.medium });
    else if (!one && ringing && !calls.some(({ call, state }) => call === ringing && state === "admitted")) tell({ t: "call", state: "ended", medium: "" });
    ringing = one?.call ?? "";
  });
}

let [count, talks] = [-1, false];
/** @param {{ unread: number, talking: boolean }} now */
export function shown({ unread, talking }) {
  if (unread !== count) tell({ t: "unread", count: (count = unread) });
  if (talking !== talks) tell({ t: "talking", on: (talks = talking) });
}

/** A window of our own, which outlives the page around us. */
async function popOut() {
  const opened = windowAhead(); // browsers let nobody open one later
  try {
    const { ticket } = visitorToken() ? await ask("/chat/handover", {}) : { ticket: "" };
    const query = new URLSearchParams({ popout: "1", adviser: given.adviser ?? "", team: given.team ?? "", page: given.page ?? "" });
    if (!opened) throw new Error(words.went_wrong);
    opened.location.replace(`${here("/chat")}?${query}#ticket=${encodeURIComponent(ticket)}`);
    tell({ t: "popped" });
  } catch (error) {
    opened?.close();
    the("message-wrong").textContent = (error instanceof Error && error.message) || words.went_wrong || "";
  }
}
