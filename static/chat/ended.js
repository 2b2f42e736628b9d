// After the conversation: how it was, and its transcript. Fetched when there is something to look back on.

import { AT, Refusal, ask, here } from "../shared/ask.js";
import { filled } from "../shared/text.js";
import { failed } from "./dialogs.js";
import { mark, the, words } from "./page.js";

/** @param {() => string} conversation the one that is shown */
export function rating(conversation) {
  /** @type {HTMLFormElement} */
  const form = the("rating");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = new FormData(form);
    const body = { rating: Number(values.get("rating")), comment: String(values.get("comment") ?? "") };
    try {
      await ask(`/chat/conversations/${conversation()}/rating`, body);
      the("ended-title").focus();
      form.hidden = true;
      the("thanks").textContent = words.thanks;
    } catch (error) {
      the("thanks").textContent = failed(error);
    }
  });
}

/**
 * @param {() => string} conversation the one that is shown
 * @param {() => string} email the customer's
 */
export function transcript(conversation, email) {
  /** @type {HTMLDialogElement} */
  const dialog = the("transcript");
  const input = the("transcript-email");
  if (AT) void import("../shared/fetched.js").then(({ fetched }) => fetched(the("download")));
  dialog.addEventListener("opened", () => {
    mark("transcript-email");
    the("transcript-said").textContent = "";
    the("download").href = here(`/chat/conversations/${conversation()}/transcript.txt`);
    input.value ||= email();
  });
  the("transcript-form").addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    mark("transcript-email");
    the("transcript-said").textContent = "";
    try {
      await ask(`/chat/conversations/${conversation()}/transcript`, { email: input.value });
      the("transcript-said").textContent = filled(words.transcript_sent, { email: input.value.trim() });
    } catch (error) {
      const wrong = error instanceof Refusal && error.errors.email;
      if (wrong) {
        mark("transcript-email", wrong);
        input.focus();
      } else the("transcript-said").textContent = failed(error);
    }
  });
}
