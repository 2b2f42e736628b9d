// The form and the appointment: what time is left, what is wrong, and no second click.

import "../shared/once.js";
import "./framed.js";
import { countDown, inWords } from "../shared/time.js";

/**
 * How long the hour is kept. Said aloud only at two minutes, at one, and at the end.
 * @param {HTMLElement} place
 */
function kept(place) {
  const said = document.querySelector("#said");
  const [two, one] = (place.dataset.warn ?? "").split("|");
  const aloud = new Map([[120, two], [60, one], [0, place.dataset.over]]);
  countDown(place, Number(place.dataset.until), (left) => {
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    place.textContent = (left ? place.dataset.left?.replace("{left}", clock) : place.dataset.over) ?? "";
    const words = aloud.get(left);
    if (said && words) said.textContent = words;
  });
}

/**
 * How far away something is; when it has come, the page is asked for again.
 * @param {HTMLElement} place
 */
function away(place) {
  let shown = false; // a page that comes too early must not ask again and again
  countDown(place, Number(place.dataset.away), (left) => {
    if (left) {
      place.textContent = (place.dataset.said ?? "{time}").replace("{time}", inWords(left));
      shown = true;
    } else if (shown && "reload" in place.dataset && !document.querySelector("form:focus-within")) {
      location.reload();
    }
  });
}

for (const place of document.querySelectorAll("[data-until]")) kept(/** @type {HTMLElement} */ (place));
for (const place of document.querySelectorAll("[data-away]")) away(/** @type {HTMLElement} */ (place));
/** @type {HTMLElement | null} */ (document.querySelector("#problems"))?.focus();
