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
      const { left, right, top, bottom } = dialog.getBoundingClientRect();
      const beside = event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
      if (event.target === dialog ? beside : /** @type {Element} */ (event.target).closest("[data-close]")) dialog.close();
    });
  }
}

/** @param {HTMLDialogElement} dialog */
export function open(dialog) {
  if (document.activeElement?.closest("#menu")) the("more").focus(); // where the focus comes back to: the menu will be gone
  dialog.dispatchEvent(new Event("opened"));
  dialog.showModal();
}
