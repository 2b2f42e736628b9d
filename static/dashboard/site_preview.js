// The page that stands for a site's: the real widget on it, with the settings as they are just being typed beside it.
// The server's answer to the widget is what is stored; what is typed is laid over it here, for this page alone.

/** @typedef {{ light: string, theme: Record<string, string | number>, words: Record<string, string>, capabilities: string[], greetings: object[], name: string }} Typed */

const asked = window.fetch.bind(window);
const { lang, dataset } = document.documentElement;
/** @type {Typed | null} */
let typed = null;

/**
 * @param {RequestInfo | URL} what
 * @param {RequestInit} [how]
 */
window.fetch = async (what, how) => {
  const answer = await asked(what, how);
  const { pathname } = new URL(what instanceof Request ? what.url : what, location.href);
  if (!typed || !answer.ok || !pathname.startsWith("/widget/")) return answer;
  return Response.json(laidOver(await answer.json(), typed), { headers: { ETag: `"${Date.now()}"` } });
};

/**
 * @param {any} stored
 * @param {Typed} typed
 */
function laidOver(stored, { theme, words, capabilities, name, greetings }) {
  const own = Object.fromEntries(Object.entries(words).filter(([, text]) => text));
  return { ...stored, name, capabilities, greetings, theme: { ...stored.theme, ...theme }, words: { ...stored.words, ...own } };
}

window.addEventListener("message", ({ data, origin, source }) => {
  if (origin !== location.origin || source !== window.parent || data?.t !== "typed") return;
  const before = typed;
  typed = /** @type {Typed} */ (data.typed);
  show(typed, before);
});

/**
 * @param {Typed} now
 * @param {Typed | null} before
 */
function show(now, before) {
  dataset.light = now.light;
  const scheme = now.theme.scheme === "auto" ? now.light : now.theme.scheme;
  const look = /** @type {import("../widget/presence").Look} */ ({ ...now.theme, scheme });
  const { name, words, capabilities, greetings } = now;
  const same = before && JSON.stringify([name, words, capabilities, greetings]) === JSON.stringify([before.name, before.words, before.capabilities, before.greetings]);
  (window.presence ||= /** @type {any} */ ([])).push((presence) => {
    presence.theme(look);
    if (!same) void presence.language(lang).then(() => presence.theme(look));
  });
}

if (window.parent !== window) window.parent.postMessage({ t: "here" }, location.origin);
