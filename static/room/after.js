// When it is over: what became of it, in kind words, and always a way on.

import { ask } from "../shared/ask.js";
import { inWords } from "../shared/time.js";
import { failed } from "../chat/dialogs.js";
import { customer, given, HEADERS, say, tell, the, write } from "./page.js";
import { told } from "./standing.js";

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {import("./standing.js").How} How
 */

const WELL = new Set(["held", "end", "left"]);

export class After {
  /** @param {() => void} again loads the page anew: it takes its place again then */
  constructor(again = () => location.reload()) {
    the("rejoin").addEventListener("click", again);
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
