// What is to be said in passing: it goes away by itself, and waits while somebody reads it.

import { element } from "../shared/text.js";
import { place, Refusal, say } from "./page.js";

const LASTS = 6_000; // milliseconds

/**
 * @param {string} text
 * @param {{ bad?: boolean, act?: { label: string, run: () => void } }} [options]
 */
export function toast(text, { bad = false, act } = {}) {
  const node = element("p", { class: bad ? "toast bad" : "toast" }, text);
  if (bad) node.setAttribute("role", "alert");
  if (act) {
    const button = element("button", { type: "button", class: "link" }, act.label);
    button.addEventListener("click", () => (node.remove(), act.run()));
    node.append(" ", button);
  }
  const toasts = place("toasts");
  while (toasts.childElementCount > 2) toasts.firstElementChild?.remove();
  toasts.append(node);
  const leave = () => {
    if (node.matches(":hover, :focus-within")) setTimeout(leave, 1_000);
    else node.remove();
  };
  setTimeout(leave, LASTS);
}

/**
 * Say why something was not done.
 * @param {unknown} error
 */
export function complain(error) {
  if (error instanceof Refusal) {
    const said = Object.values(error.errors).join(" ") || error.message;
    if (error.status !== 401) toast(said || say(error.status ? "went_wrong" : "no_network"), { bad: true });
  } else throw error;
}

/**
 * Do something with the server; what went wrong is said.
 * @template T
 * @param {Promise<T>} doing
 * @returns {Promise<T | undefined>}
 */
export async function attempt(doing) {
  try {
    return await doing;
  } catch (error) {
    complain(error);
    return undefined;
  }
}
