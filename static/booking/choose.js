// Makes the picker quicker: months, days and options change without a full page load, and the visitor's zone is found.

import "../shared/once.js";
import "./framed.js";
import { search } from "../shared/search.js";

const PICKER = "#choose";
const FRAMED = "at" in document.documentElement.dataset; // no cookie of ours is kept there
/** @type {AbortController | undefined} */
let asking;

/** @returns {HTMLElement | null} */
const picker = () => document.querySelector(PICKER);

/**
 * Put the same place in as the server shows it at another address.
 * @param {string} href
 * @param {{ remember?: boolean, focus?: string }} how whether "back" should come here; what the eye goes to
 */
async function show(href, { remember = true, focus = "" } = {}) {
  asking?.abort();
  const mine = (asking = new AbortController());
  picker()?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(href, { signal: mine.signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [old, fresh] = [picker(), page.querySelector(PICKER)];
    if (!answer.ok || !old || !fresh) throw new Error("not the picker");
    old.replaceWith(fresh);
    if (remember) history.pushState(null, "", href);
    document.title = page.title;
    const languages = document.querySelector("header.top");
    const others = page.querySelector("header.top");
    if (languages && others) languages.replaceWith(others); // its links lead to this place in the other language
    prepare();
    look(focus);
  } catch {
    if (!mine.signal.aborted) location.href = href;
  }
}

/**
 * Let focus follow what has changed, and say it.
 * @param {string} focus an id, or "key:" and the key of what was clicked
 */
function look(focus) {
  const said = document.querySelector("#said");
  const place = /** @type {HTMLElement | null} */ (
    focus.startsWith("key:") ? document.querySelector(`[data-key="${focus.slice(4)}"]`) : focus && document.getElementById(focus)
  );
  place?.focus({ preventScroll: true });
  // On a phone the hours are below the month: bring them up. Where they can be seen already, nothing moves.
  place?.scrollIntoView({ block: "nearest" });
  if (focus === "day-name") document.querySelector("#hours")?.scrollIntoView({ block: innerWidth < 960 ? "start" : "nearest" });
  if (said && !focus.endsWith("-name")) said.textContent = picker()?.dataset.said ?? "";
}

/** What a fresh picker needs. */
function prepare() {
  for (const field of document.querySelectorAll("[data-search]")) search(/** @type {HTMLElement} */ (field));
}

document.addEventListener("click", (event) => {
  const link = /** @type {Element} */ (event.target).closest?.("a[data-then], a[data-key]");
  if (!(link instanceof HTMLAnchorElement) || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  void show(link.href, { focus: link.dataset.then ?? `key:${link.dataset.key}` });
});

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.method !== "get" || !form.closest(PICKER)) return;
  event.preventDefault();
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form, event.submitter)) address.searchParams.set(name, String(value));
  void show(address.href, { focus: address.searchParams.has("start") ? "take" : "key:zone" });
});

addEventListener("popstate", () => void show(location.href, { remember: false }));

/** Show the hours of this browser's zone, unless one was chosen. */
function useOwnZone() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const address = new URL(location.href);
  const chosen = address.searchParams.has("zone") || (!FRAMED && /(^|; )zone=/.test(document.cookie));
  const shown = picker()?.dataset.detect;
  if (chosen || !shown || !own) return;
  if (FRAMED) {
    if (own === shown) return;
    address.searchParams.set("zone", own);
    history.replaceState(null, "", address);
  } else {
    document.cookie = `zone=${own}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }
  if (own !== shown) void show(location.href, { remember: false });
}

prepare();
useOwnZone();
