// The room's page: what it was opened with, its words, and the server behind it.

import { the } from "../chat/page.js";
import { ask } from "../shared/ask.js";
import { filled } from "../shared/text.js";

export { the };

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {{
 *   uid: string, role: "adviser" | "customer", medium: "video" | "audio" | "text", me: string, peer: string, by: string, c: string,
 *   starts_at: number | null, ends_at: number | null, phone: string, organisation: string, turn: boolean,
 *   urls: Record<"pass" | "check" | "rating" | "extend" | "propose" | "book" | "back" | "chat" | "files" | "file", string>,
 * }} Given instants in milliseconds; in `urls.files`, {c} stands for the conversation
 */

/** @type {Given} */
export const given = JSON.parse(the("given").textContent);

export const customer = given.role === "customer";

/** @type {Record<string, string>} */
export const words = JSON.parse(the("room-words").textContent);

/**
 * One of the page's sentences, with its places filled in.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export const say = (name, values = {}) => filled(words[name], values);

/** What a signed-in adviser's requests carry. */
export const HEADERS = { "X-CSRF-Token": the("room").dataset.csrf ?? "" };

/**
 * @param {string} address
 * @param {object} [body]
 */
export const post = (address, body = {}) => ask(address, body, HEADERS);

/**
 * Change a text only when it is another one: what is live would be read aloud again.
 * @param {Element} node
 * @param {string} text
 */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Show a text, or nothing where there is none.
 * @param {string} id of the place
 * @param {string} text
 * @param {string} [inside] the id of where the text stands in it
 */
export function tell(id, text, inside = id) {
  write(the(inside), text);
  the(id).hidden = !text;
}

/** @param {string} text for who hears the page: comings and goings, and what a shortcut has done */
export function announce(text) {
  the("told").textContent = text;
}

/**
 * What something in the page is called, when it is pressed or not.
 * @param {string} id of a button
 * @param {boolean} on
 */
export const press = (id, on) => the(id).setAttribute("aria-pressed", String(on));

let ahead = 0; // milliseconds by which the server's clock is ahead of this one

/** @param {number} at what the server's clock says now */
export function setServerTime(at) {
  ahead = at - Date.now();
}

export const serverTime = () => Date.now() + ahead;
