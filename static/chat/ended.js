// After the conversation: how it was, and its transcript.

import { Refusal, ask } from "../shared/ask.js";
import { filled } from "../shared/text.js";
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
      rated(true);
    } catch (error) {
      the("thanks").textContent = failed(error);
    }
  });
}

/** @param {boolean} given whether it has been */
export function rated(given) {
  the("rating").hidden = given;
  the("thanks").textContent = given ? words.thanks : "";
  if (!given) the("rating").reset();
}

/**
 * @param {() => string} conversation the one that is shown
 * @param {() => string} email the customer's
 */
export function transcript(conversation, email) {
  /** @type {HTMLDialogElement} */
  const dialog = the("transcript");
  const input = the("transcript-email");
  dialog.addEventListener("opened", () => {
    mark("transcript-email");
    the("transcript-said").textContent = "";
    the("download").href = `/chat/conversations/${conversation()}/transcript.txt`;
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

/** @param {unknown} error */
export const failed = (error) => (error instanceof Refusal && error.message) || words.went_wrong || "";

/** Dialogs open by `data-dialog`, and close by `data-close`, Escape, or a click beside them. */
export function dialogs() {
  for (const button of document.querySelectorAll("[data-dialog]")) {
    const dialog = /** @type {HTMLDialogElement} */ (the(/** @type {HTMLElement} */ (button).dataset.dialog ?? ""));
    button.addEventListener("click", () => open(dialog));
  }
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || /** @type {Element} */ (event.target).closest("[data-close]")) dialog.close();
    });
  }
}

/** @param {HTMLDialogElement} dialog */
export function open(dialog) {
  dialog.dispatchEvent(new Event("opened"));
  dialog.showModal();
}
