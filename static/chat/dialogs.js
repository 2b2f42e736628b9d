// Dialogs, and what is said when something did not work.

import { Refusal } from "../shared/ask.js";
import { the, words } from "./page.js";

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
