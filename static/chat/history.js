// One's own earlier conversations: a list, each to be read again. Fetched when it is asked for.

import { ask } from "../shared/ask.js";
import { element } from "../shared/text.js";
import { dayName } from "../shared/time.js";
import { failed, open } from "./dialogs.js";
import { the, words } from "./page.js";

/**
 * @typedef {{ c: string, state: string, created_at: number, preview: string, adviser: string | null }} Past
 */

/** @param {(one: Past) => void} show */
export async function history(show) {
  /** @type {HTMLDialogElement} */
  const dialog = the("history");
  const list = the("history-list");
  try {
    const { conversations } = await ask("/chat/history");
    const closed = conversations.filter((/** @type {Past} */ one) => one.state === "closed");
    list.replaceChildren(...closed.map((/** @type {Past} */ one) => entry(one, dialog, show)));
    if (!closed.length) list.append(element("li", {}, words.nothing_past ?? ""));
  } catch (error) {
    list.replaceChildren(element("li", {}, failed(error)));
  }
  open(dialog);
}

/**
 * @param {Past} one
 * @param {HTMLDialogElement} dialog
 * @param {(one: Past) => void} show
 */
function entry(one, dialog, show) {
  const day = element("span", {}, dayName(one.created_at));
  const button = element("button", { type: "button" }, day, element("span", {}, one.adviser ?? ""), element("small", {}, one.preview));
  button.addEventListener("click", () => {
    dialog.close();
    show(one);
  });
  return element("li", {}, button);
}
