// What there is to read of a conversation, line by line: days, what was said, what happened. Pure.

import { dayOf } from "./time.js";

/**
 * @typedef {import("./ledger.js").LiveEvent} LiveEvent
 * @typedef {{ key: string, kind: "day", at: number }} Day
 * @typedef {{ key: string, kind: "told", event: LiveEvent, text: string }} Told
 * @typedef {{
 *   key: string, kind: "said", what: string, seq: number, id: string, by: string, mine: boolean, at: number, first: boolean,
 *   text: string, body: any, edited: boolean, withdrawn: boolean,
 *   state: "queued" | "sent" | "delivered" | "seen" | "failed", last: boolean, failed: { id: string, code: string } | null,
 * }} Said
 *   `seq` is 0 until it is stored; `first` of a group; `last` of one's own; `failed` names what was refused, it or its change
 * @typedef {Day | Told | Said} Line
 */

const GROUP = 5 * 60_000; // milliseconds within which somebody's messages belong together
const SPOKEN = new Set(["text", "file", "note"]);

/**
 * @param {import("./ledger.js").Ledger} ledger
 * @param {import("./outbox.js").Item[]} pending
 * @param {string} me one's own `by`
 * @param {(event: LiveEvent) => string} told an event of the system in words; "" when it is not shown
 * @returns {Line[]}
 */
export function lines(ledger, pending, me, told) {
  /** @type {Line[]} */
  const found = [];
  /** @type {Said | null} */
  let before = null;
  let day = "";
  /** @param {number} at */
  const dated = (at) => {
    if (dayOf(at) === day) return;
    day = dayOf(at);
    found.push({ key: `day ${day}`, kind: "day", at });
    before = null;
  };
  /** @param {Omit<Said, "kind" | "key" | "first" | "mine" | "last">} said */
  const say = (said) => {
    dated(said.at);
    const first = !before || before.by !== said.by || before.what === "note" || said.what === "note" || said.at - before.at > GROUP;
    before = { ...said, kind: "said", key: `said ${said.by} ${said.id}`, first, mine: said.by === me, last: false };
    found.push(before);
  };
  const changes = new Map(pending.filter((item) => item.kind === "edit" || item.kind === "withdraw").map((item) => [item.body.seq, item]));
  for (const event of ledger.events) {
    const message = SPOKEN.has(event.kind) && ledger.messages.get(event.seq);
    if (message) {
      const change = changes.get(event.seq);
      const { seq, id, by, at, body, edited } = message;
      let { text, withdrawn } = message;
      if (change && !change.failed) [text, withdrawn] = change.kind === "edit" ? [change.body.text, withdrawn] : ["", true];
      const failed = change?.failed ? { id: change.id, code: change.failed } : null;
      const state = change && !change.failed ? "queued" : ledger.reached(event);
      say({ what: event.kind, seq, id, by, at, text, body, edited, withdrawn, state, failed });
      continue;
    }
    const text = told(event);
    if (!text) continue;
    dated(event.at);
    found.push({ key: `told ${event.seq}`, kind: "told", event, text });
    before = null;
  }
  for (const { id, kind, body, n, failed } of pending) {
    if (!SPOKEN.has(kind)) continue;
    const state = failed ? "failed" : "queued";
    const rest = { edited: false, withdrawn: false, failed: failed ? { id, code: failed } : null };
    say({ what: kind, seq: 0, id, by: me, at: n, text: body.text ?? "", body, state, ...rest });
  }
  const last = found.findLast((line) => line.kind === "said" && line.mine && line.what !== "note" && !line.withdrawn);
  if (last?.kind === "said") last.last = true;
  return found;
}
