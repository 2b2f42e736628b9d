// Who this page's reader is to the company, where no cookie tells: inside another site's page, and in what was popped out of it.
// Kept where the browser lets us, by itself and apart for each site; else in this page alone.

const AT = document.documentElement.dataset.at ?? "";
const NAME = `presence-visitor ${AT.split("/")[2] ?? ""}`;
let token = "";

/** Where it is kept; null where the browser keeps nothing for us. */
function store() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

/** @returns {string} the visitor's token; empty on our own pages, and for who is new */
export function visitorToken() {
  if (!AT) return "";
  token ||= document.documentElement.dataset.visitor ?? store()?.getItem(NAME) ?? "";
  return token;
}

/** @param {string} found the token to keep; empty: forget who this was */
export function keepVisitor(found) {
  token = found;
  delete document.documentElement.dataset.visitor;
  try {
    if (found) store()?.setItem(NAME, found);
    else store()?.removeItem(NAME);
  } catch {
    // full, or closed to us: it is known to this page
  }
}

/** @returns {Record<string, string>} the headers that say who asks */
export function credentials() {
  const found = visitorToken();
  return found ? { "X-Visitor": found } : {};
}
