// When it is over: what became of it, in kind words, and always a way on.

import { ask } from "../shared/ask.js";
import { inWords } from "../shared/time.js";
import { failed } from "../chat/dialogs.js";
import { customer, given, HEADERS, say, tell, the, write } from "./page.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {"left" | "taken" | "gone" | "held" | "rejected" | "expired" | "cancelled" | "missed" | "declined" | "end"} How
 */

/** @type {Record<string, How>} */
const OUTCOMES = { held: "held", rejected: "rejected", expired: "expired", cancelled: "cancelled", missed: "missed", declined: "declined", busy: "missed" };

/**
 * What the room's end was. Pure.
 * @param {Room} room
 * @returns {How}
 */
export const outcome = (room) => OUTCOMES[room.outcome] ?? "end";

/**
 * The words of an end: of its title, and of what is said to it. Pure.
 * @param {How} how
 * @param {boolean} customer
 * @param {number} lasted milliseconds; 0 when they have not talked, or nobody knows
 * @returns {{ title: string, word: string }}
 */
export function told(how, customer, lasted) {
  if (how === "held" || how === "end") return { title: how === "held" && customer ? "over_held" : "over_end", word: lasted ? "over_held_word" : "" };
  if (how === "rejected") return customer ? { title: "over_rejected", word: "over_rejected_word" } : { title: "over_rejected_own", word: "" };
  if (how === "expired") return { title: "over_expired", word: customer ? "over_expired_word" : "over_expired_own" };
  if (how === "declined") return { title: "over_declined", word: customer ? "over_missed_word" : "" };
  if (how === "missed" || how === "cancelled") return { title: `over_${how}`, word: customer ? `over_${how}_word` : "" };
  return { title: `over_${how}`, word: `over_${how}_word` };
}

const WELL = new Set(["held", "end", "left"]);

export class After {
  constructor() {
    the("rejoin").addEventListener("click", () => location.reload()); // a page that is loaded anew takes its place again
    if (!customer) return;
    /** @type {HTMLFormElement} */
    const form = the("rating");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const values = new FormData(form);
      const body = { rating: Number(values.get("rating")), comment: String(values.get("comment") ?? "") };
      try {
        await ask(given.urls.rating, body, HEADERS);
        the("after-title").focus();
        form.hidden = true;
        write(the("thanks"), say("thanks"));
      } catch (error) {
        write(the("thanks"), failed(error));
      }
    });
  }

  /**
   * @param {How} how
   * @param {{ name: string, note: string, lasted: number }} more `lasted` in milliseconds
   */
  show(how, { name, note, lasted }) {
    const { title, word } = told(how, customer, lasted);
    const time = lasted < 60_000 ? say("times_moment") : inWords(lasted / 1000 - 59);
    write(the("after-title"), say(title, { name }));
    tell("after-word", word && say(word, { name, time }));
    tell("after-note", how === "rejected" ? note : "");
    the("after").dataset.how = WELL.has(how) ? "well" : "bad";
    the("after-mark").hidden = !WELL.has(how);
    the("after-rejoin").hidden = how !== "left" && how !== "taken";
    write(the("rejoin"), say(how === "taken" ? "over_taken_back" : "rejoin"));
    if (!customer) return;
    if (the("thanks").textContent === "") the("rating").hidden = !(how === "held" || (how === "left" && lasted > 0));
    const phone = document.getElementById("after-phone");
    if (phone) phone.hidden = WELL.has(how) || how === "taken";
  }
}
