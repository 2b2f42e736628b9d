// The page of experts without reloading: what is looked for, more of them, the visitor's own zone, and who is there.

import { framed, next, on, tell } from "../shared/host.js";
import { element, filled } from "../shared/text.js";
import { cards, place, words } from "./cards.js";
import { There } from "./there.js";

const TYPING = 250; // milliseconds after the last letter of a name
const HANDSHAKE = 2_000; // in which the page around us says that it is there
/** @type {AbortController | undefined} */
let asking;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;
let hosted = false; // by a page that opens what is begun here beside us: a conversation does not end when other experts are looked for
on("port", () => (hosted = true));
/** @type {Promise<void>} */
let shown = Promise.resolve(); // once what was looked for last is there

/** @param {string} id */
const the = (id) => /** @type {any} */ (document.getElementById(id));

/**
 * A page of ours as the server shows it at an address.
 * @param {string} href
 * @param {AbortSignal} [signal]
 */
async function page(href, signal) {
  const answer = await fetch(href, { signal });
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || !found.getElementById("experts")) throw new Error("not the experts");
  return found;
}

const there = new There(() => page(location.href), () => {
  const here = /** @type {HTMLInputElement | null} */ (the("here"));
  if (here?.checked && the("found")?.dataset.anybody !== "1") void show(location.href, { remember: "" });
});

/**
 * Show what is at another address of this page.
 * @param {string} href
 * @param {{ remember?: "" | "push" | "replace", whole?: boolean }} how whether "back" comes here; with the form, or what was found alone
 */
function show(href, { remember = "replace", whole = false } = {}) {
  return (shown = exchange(href, remember, whole));
}

/**
 * @param {string} href
 * @param {"" | "push" | "replace"} remember
 * @param {boolean} whole
 */
async function exchange(href, remember, whole) {
  asking?.abort();
  const mine = (asking = new AbortController());
  the("found").setAttribute("aria-busy", "true");
  try {
    const fresh = await page(href, mine.signal);
    const [from, into] = [fresh.getElementById("found"), the("found")];
    if (!from) throw new Error("nothing was found");
    if (remember === "push") history.pushState(null, "", href);
    if (remember === "replace") history.replaceState(null, "", href);
    if (whole) place().replaceWith(/** @type {HTMLElement} */ (fresh.getElementById("experts")));
    else into.replaceWith(from);
    the("apply").hidden = true; // choosing shows it at once
    languages(fresh);
    there.look();
    const [said, count] = [the("said"), the("count")];
    said.textContent = count?.textContent?.trim() || (the("found").querySelector("h2")?.textContent ?? "");
  } catch {
    if (!mine.signal.aborted) location.href = href;
  }
}

/** @param {Document} fresh its links lead to this place in the other language */
function languages(fresh) {
  const [old, other] = [document.querySelector("header.top"), fresh.querySelector("header.top")];
  if (old && other) old.replaceWith(other);
}

/** The address of what the form says. */
function chosen() {
  const form = /** @type {HTMLFormElement} */ (the("filters"));
  const address = new URL(form.action);
  address.search = "";
  for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, String(value));
  return address.href;
}

/** Add the next ones under those who are there. */
async function more() {
  await shown;
  const link = /** @type {HTMLAnchorElement | null} */ (the("more"));
  if (!link || link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  try {
    const fresh = await page(link.href);
    const known = new Set(cards().map((card) => card.dataset.expert));
    const new_ = [...fresh.querySelectorAll("#cards > li")].filter((card) => !known.has(/** @type {HTMLElement} */ (card).dataset.expert));
    the("cards").append(...new_);
    const next = fresh.getElementById("more");
    if (next) link.href = /** @type {HTMLAnchorElement} */ (next).href;
    else link.remove();
    link.removeAttribute("aria-busy");
    new_[0]?.querySelector("h2")?.focus(); // also with the pointer: the page goes on there
    the("said").textContent = filled(words.more, { count: new_.length });
    there.look();
  } catch {
    location.href = link.href;
  }
}

/**
 * Begin it beside us, by the page around us; here, when that does not speak with us.
 * @param {HTMLAnchorElement} link
 * @param {string} go
 */
async function begin(link, go) {
  hosted ||= Boolean(await next("port", HANDSHAKE)); // who is quick is there before it has said that it is
  if (!hosted) return location.assign(link.href);
  const card = /** @type {HTMLElement} */ (link.closest("[data-expert]"));
  tell({ t: "open", what: go === "message" ? "chat" : go, adviser: card.dataset.expert });
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest?.("#found a");
  if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const { go } = link.dataset;
  if (go && framed) {
    event.preventDefault();
    void begin(link, go);
  } else if (link.id === "more") {
    event.preventDefault();
    void more();
  } else if ("hereToo" in link.dataset || "everybody" in link.dataset) {
    event.preventDefault();
    clearTimeout(typing); // what was typed is given up with it
    void show(link.href, { remember: "push", whole: true }).then(() => the("q")?.focus());
  }
});

document.addEventListener("submit", (event) => {
  if (/** @type {HTMLElement} */ (event.target).id !== "filters") return;
  event.preventDefault();
  clearTimeout(typing);
  void show(chosen());
});

document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLElement) || !target.closest("#filters") || target.id === "q") return;
  void show(chosen(), { remember: "push" });
});

document.addEventListener("input", ({ target }) => {
  if (/** @type {HTMLElement} */ (target).id !== "q") return;
  clearTimeout(typing);
  typing = setTimeout(() => void show(chosen()), TYPING);
});

addEventListener("popstate", () => void show(location.href, { remember: "", whole: true }));

/** Show hours of this browser's zone, unless one was chosen. Inside another site's page the address keeps it: cookies are kept away. */
function useOwnZone() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const address = new URL(location.href);
  if (!own || address.searchParams.has("zone") || /(^|; )zone=/.test(document.cookie)) return;
  document.cookie = `zone=${own}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  if (own === place().dataset.zone) return;
  if ("at" in document.documentElement.dataset) {
    address.searchParams.set("zone", own);
    the("filters").append(element("input", { type: "hidden", name: "zone", value: own }));
  }
  void show(address.href);
}

the("apply").hidden = true;
useOwnZone();
there.start();
