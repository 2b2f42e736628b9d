// The page's own elements and words.

/** @type {Record<string, string>} */
export const words = JSON.parse(document.querySelector("#words")?.textContent ?? "{}");

/**
 * An element that the page has.
 * @param {string} id
 * @returns {any}
 */
export function the(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** What the page was opened with. */
export const given = /** @type {HTMLElement} */ (the("chat")).dataset;

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * Show what is wrong with a field, or that nothing is any more.
 * @param {string} id
 * @param {string} [wrong]
 */
export function mark(id, wrong = "") {
  const [input, place] = [the(id), the(`${id}-wrong`)];
  place.textContent = wrong;
  place.hidden = !wrong;
  if (wrong) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  if (wrong) input.setAttribute("aria-describedby", place.id);
}
