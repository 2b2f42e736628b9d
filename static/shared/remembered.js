// Small things that this browser keeps from visit to visit.

/**
 * What this browser keeps under a name; "" when there is nothing, or it keeps nothing for us.
 * @param {string} name
 */
export function remembered(name) {
  try {
    return localStorage.getItem(`presence-${name}`) ?? "";
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
    if (value) localStorage.setItem(`presence-${name}`, value);
    else localStorage.removeItem(`presence-${name}`);
  } catch {
    // private windows may refuse; then it lasts as long as the page
  }
}
