// What happened in a conversation, in words. Pure but for the page's words.

import { stopwatch } from "../shared/calls.js";
import { moment } from "../shared/time.js";
import { ME, say } from "./page.js";

/** @typedef {import("../shared/ledger.js").LiveEvent} LiveEvent */

/**
 * @param {LiveEvent} event
 * @param {(by: string) => string} name
 * @returns {string} "" for what is not shown
 */
export function told({ kind, body }, name) {
  switch (kind) {
    case "opened":
      return body.page ? say("told_opened_at", { page: shortPage(body.page) }) : say("told_opened");
    case "queued":
    case "message":
    case "reopened":
      return say(`told_${kind}`);
    case "joined":
    case "left":
    case "lost":
      return say(`told_${kind}`, { name: body.name });
    case "transferred":
      return say("told_transferred", { name: body.name, to: body.to });
    case "mailed":
      return say(body.to === "customer" ? "told_mailed" : "told_mailed_team");
    case "closed":
      if (body.by === ME.by) return say("told_closed_own");
      return say("told_closed", { name: body.by === "customer" ? say("the_customer") : name(body.by) });
    case "tagged":
      return body.tags.length ? say("told_tagged", { tags: body.tags.join(", ") }) : say("told_untagged");
    case "booked":
      return say("told_booked", { service: inOwnWords(body.service), moment: moment(body.starts_at) });
    case "rated":
      return say("told_rated", { rating: body.rating });
    case "call":
      return called(body, name);
    case "callback":
      return say(body.text ? "told_callback_why" : "told_callback", { moment: body.at ? moment(body.at) : say("as_soon_as_possible"), text: body.text });
    case "undelivered":
      return say("told_undelivered", { reason: body.reason || "?" });
    default:
      return "";
  }
}

/**
 * @param {{ what: string, medium: string, by: string, name: string, seconds?: number }} body of a call's event; `by` is who rang
 * @param {(by: string) => string} name
 */
function called({ what, medium, by, name: adviser, seconds }, name) {
  const call = say(`medium_${medium}`);
  if (what === "ended") return seconds ? say("told_call_ended", { call, time: stopwatch(seconds * 1000) }) : say("told_call_over", { call });
  if (what === "started") return say("told_call_started", { call, name: adviser });
  return say(by === "customer" ? `told_rang_${what}` : `told_rung_${what}`, { call, name: adviser || name(by) });
}

/**
 * A text that is given in several languages, in the page's.
 * @param {Record<string, string>} texts
 */
export function inOwnWords(texts) {
  return texts[document.documentElement.lang] ?? texts.en ?? Object.values(texts)[0] ?? "";
}

/**
 * A page's address as people read it.
 * @param {string} address
 */
export function shortPage(address) {
  if (!URL.canParse(address)) return address;
  const { host, pathname } = new URL(address);
  return `${host}${pathname === "/" ? "" : pathname}`;
}

/**
 * Who speaks in a conversation beside whose it is: the last that was said of them is that they came.
 * @param {LiveEvent[]} events
 * @param {number} adviser
 */
export function hasJoined(events, adviser) {
  return events.findLast(({ kind, body }) => (kind === "joined" || kind === "left") && body.adviser === adviser)?.kind === "joined";
}
