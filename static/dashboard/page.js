// The dashboard's page: its places, its words, and the server behind it.

import { ask, Refusal } from "../shared/ask.js";
import { filled } from "../shared/text.js";
import { upload } from "../shared/upload.js";

export { Refusal };

/**
 * A place of the page, by its id.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function place(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

export const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (place(id));
export const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (place(id));
export const dialog = (/** @type {string} */ id) => /** @type {HTMLDialogElement} */ (place(id));

/** @type {Record<string, string>} */
export const words = JSON.parse(place("words").textContent ?? "{}");

/**
 * One of the page's sentences, with its places filled in.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export const say = (name, values = {}) => filled(words[name], values);

const { me, slug, name, organisation, csrf, most, supervisor } = place("desk").dataset;
export const ME = {
  id: Number(me),
  by: `adviser:${me}`,
  slug: slug ?? "",
  name: name ?? "",
  organisation: organisation ?? "",
  supervisor: supervisor === "1",
  teams: new Set(/** @type {string[]} */ ([])),
  most: Number(most), // bytes of a file
};

const HEADERS = { "X-CSRF-Token": csrf ?? "" };

/** @param {Promise<any>} asked */
async function guarded(asked) {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401 && !dialog("over").open) dialog("over").showModal();
    throw error;
  }
}

/** @param {string} address */
export const get = (address) => guarded(ask(address));

/**
 * @param {string} address
 * @param {object} [body]
 */
export const post = (address, body = {}) => guarded(ask(address, body, HEADERS));

/**
 * @param {string} c
 * @param {File} file
 * @param {(part: number) => void} progress
 */
export const sendFile = (c, file, progress) => upload(`/desk/conversations/${c}/files`, file, progress, { headers: HEADERS });

let ahead = 0; // milliseconds by which the server's clock is ahead of this one

/** @param {number} at what the server's clock says now */
export function setServerTime(at) {
  ahead = at - Date.now();
}

export const serverTime = () => Date.now() + ahead;

/**
 * How long ago, as short as can be: "now", "4 min", "2 h", "3 d".
 * @param {number} at milliseconds, of the server's clock
 */
export function ago(at) {
  const minutes = Math.floor((serverTime() - at) / 60_000);
  if (minutes < 1) return say("now");
  if (minutes < 60) return say("minutes", { count: minutes });
  return minutes < 1440 ? say("hours", { count: Math.floor(minutes / 60) }) : say("days", { count: Math.floor(minutes / 1440) });
}

/**
 * Change a text only when it is another one.
 * @param {Element} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Whether there is room for more than one pane. */
export const wide = () => matchMedia("(min-width: 48rem)").matches;
