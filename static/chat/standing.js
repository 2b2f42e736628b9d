// Where a conversation stands, from what has happened in it. Pure.

import { clock, dayName, inWords } from "../shared/time.js";
import { filled } from "../shared/text.js";

/**
 * @typedef {import("../shared/ledger.js").LiveEvent} LiveEvent
 * @typedef {{
 *   state: "waiting" | "active" | "message" | "closed", adviser: string, names: Map<string, string>, rated: boolean,
 * }} Standing `adviser` is the name of who has it, "" for nobody; `names` are those of everybody who was here, by `by`
 */

/**
 * @param {LiveEvent[]} events
 * @returns {Standing}
 */
export function standing(events) {
  /** @type {Standing} */
  const now = { state: "waiting", adviser: "", names: new Map(), rated: false };
  for (const { kind, body } of events) {
    if (kind === "joined") {
      now.names.set(`adviser:${body.adviser}`, body.name);
      Object.assign(now, { state: "active", adviser: body.name });
    } else if (kind === "queued" || kind === "message") Object.assign(now, { state: kind === "message" ? "message" : "waiting", adviser: "" });
    else if (kind === "closed") now.state = "closed";
    else if (kind === "reopened") now.state = "active";
    else if (kind === "rated") now.rated = true;
  }
  return now;
}

/**
 * What happened, in words; "" for what is not shown.
 * @param {LiveEvent} event
 * @param {Record<string, string>} words
 * @param {string} email the customer's
 */
export function told({ kind, body }, words, email) {
  if (kind === "message") return email ? filled(words.told_message, { email }) : (words.told_kept ?? "");
  if (kind === "closed") return (body.by === "customer" ? words.told_ended : words.told_closed) ?? "";
  if (kind === "booked") {
    const service = body.service[document.documentElement.lang] ?? Object.values(body.service)[0] ?? "";
    const moment = `${dayName(body.starts_at)}, ${clock(body.starts_at)}`;
    return filled(words.told_booked, { service, moment });
  }
  if (kind === "callback") return filled(words.told_callback, { phone: (body.phone ?? "").replaceAll(" ", "\u00a0"), moment: body.at ? `${dayName(body.at)}, ${clock(body.at)}` : (words.as_soon ?? "") });
  if (kind === "call") return called(body, words);
  if (kind === "mailed" && body.to !== "customer") return "";
  return filled(words[`told_${kind}`], body ?? {});
}

/**
 * @param {{ what: string, medium: string, by: string, name?: string, seconds?: number }} body of a call's event; `by` rang
 * @param {Record<string, string>} words
 */
function called({ what, medium, by, name, seconds }, words) {
  const values = { call: words[`medium_${medium}`] ?? "", name: name || (words.somebody ?? ""), time: seconds ? inWords(seconds) : "" };
  if (what === "started" || what === "ended") return filled(words[what === "ended" && seconds ? "told_call_time" : `told_call_${what}`], values);
  if (by === "customer") return what === "cancelled" ? "" : filled(words.told_call_missed, values);
  return filled(words.told_call_rang, values);
}
