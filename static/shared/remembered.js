// Small things that this browser keeps from visit to visit; apart for each site inside of whose pages we are.

const SITE = globalThis.document?.documentElement.dataset.at?.split("/")[2]?.concat("-") ?? "";
/** @param {string} name */
export const keyOf = (name) => `presence-${SITE}${name}`;

/**
 * What this browser keeps under a name; "" when there is nothing.
 * @param {string} name
 */
export function remembered(name) {
  try {
    return localStorage.getItem(keyOf(name)) ?? "";
  } catch {
    return "";
  }
}

/**
 * @param {string} name
 * @param {string} value "" forgets it
 */
export function remember(name, value) {
  try {
    if (value) localStorage.setItem(keyOf(name), value);
    else localStorage.removeItem(keyOf(name));
  } catch {
    // private windows may refuse, and pages of other sites; then it lasts as long as the page
  }
}
