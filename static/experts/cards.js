// The cards of experts, as their presence changes. A card stays where it is: what moves away under a finger is worse than an order
// that is a minute old.

/** @typedef {"available" | "busy" | "away" | "offline"} State */

/** @type {Record<string, string>} */
export const words = JSON.parse(document.querySelector("#words")?.textContent ?? "{}");

/** Whatever is on the page now: its content is exchanged when something else is looked for. */
export const place = () => /** @type {HTMLElement} */ (document.querySelector("#experts"));

/** @returns {HTMLElement[]} */
export const cards = () => [...document.querySelectorAll("[data-expert]")].map((card) => /** @type {HTMLElement} */ (card));

/**
 * Show whether somebody is there, and what can be done about it.
 * @param {HTMLElement} card
 * @param {State} state
 */
export function show(card, state) {
  card.dataset.state = state;
  put(card.querySelector("[data-said]"), words[state] ?? "");
  const free = state === "available";
  reveal(card, card.querySelector("[data-at-once]"), free);
  reveal(card, card.querySelector("[data-at-leisure]"), !free);
}

/**
 * @param {HTMLElement} card
 * @param {Element | null} part
 * @param {boolean} shown
 */
function reveal(card, part, shown) {
  if (!(part instanceof HTMLElement) || part.hidden === !shown) return;
  const left = !shown && part.contains(document.activeElement);
  part.hidden = !shown;
  if (left) card.querySelector("h2")?.focus(); // who was about to press it is not thrown back to the top of the page
}

/**
 * @param {Element | null} element
 * @param {string} text
 */
function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
