// A site's settings as they are typed: the preview and the figures follow, greetings come and go, and nothing leaves unsaved
// without a word. The page works without this: its buttons send all of it, and what comes back is what was typed.

import { ask } from "../shared/ask.js";
import { filled } from "../shared/text.js";

/** @param {string} id */
function place(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`there is no #${id}`);
  return found;
}

const sheet = /** @type {HTMLFormElement} */ (place("site"));
const frame = /** @type {HTMLIFrameElement} */ (document.querySelector("#preview iframe"));
/** @type {Record<string, string>} */
const words = JSON.parse(place("words").textContent ?? "{}");

// -- copying ----------------------------------------------------------------------------------------------------------

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-copy]"))) {
  button.hidden = !navigator.clipboard;
  button.onclick = async () => {
    await navigator.clipboard.writeText(place(button.dataset.copy ?? "").innerText.trim());
    button.textContent = words.copied;
    place("standing").textContent = words.copied;
    setTimeout(() => (button.textContent = words.copy), 2_000);
  };
}

// -- colours ----------------------------------------------------------------------------------------------------------

const text = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (document.getElementById(name))?.value.trim() ?? "";
const chosen = (/** @type {string} */ name) => /** @type {RadioNodeList} */ (sheet.elements.namedItem(name)).value;

/**
 * What the server makes of the colours that are typed: those that go with them, and how well they can be read.
 * @typedef {{ colours: Record<string, string>, figures: Record<string, { colour: string, on: string, said: string, standing: string }> }} Look
 */

/** @type {Look} */
let look = JSON.parse(place("look").textContent ?? "{}");
let asking = 0; // counts questions: a late answer to an older one is dropped

async function lookAgain() {
  const mine = ++asking;
  const query = new URLSearchParams({ accent: text("theme.accent"), accent_dark: text("theme.accent_dark") });
  const answer = /** @type {Look | null} */ (await ask(`${sheet.getAttribute("action")}/look?${query}`).catch(() => null));
  if (!answer || mine !== asking) return;
  look = answer;
  figures();
  show();
}

function figures() {
  for (const [name, { colour, on, said, standing }] of Object.entries(look.figures)) {
    const figure = /** @type {HTMLElement} */ (document.querySelector(`[data-figure="${name}"]`));
    figure.textContent = said;
    /** @type {HTMLElement} */ (figure.parentElement).dataset.standing = standing;
    const sample = /** @type {HTMLElement} */ (document.querySelector(`[data-sample="${name}"]`));
    Object.assign(sample.style, { background: colour, color: on });
    const picker = /** @type {HTMLInputElement} */ (document.querySelector(`[data-picks="${name}"]`));
    picker.value = colour;
    picker.hidden = false;
  }
}

for (const picker of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-picks]"))) {
  picker.oninput = () => {
    /** @type {HTMLInputElement} */ (place(picker.dataset.picks ?? "")).value = picker.value;
  };
}

// -- greetings --------------------------------------------------------------------------------------------------------

const rows = place("greetings");
const blank = /** @type {HTMLTemplateElement} */ (place("greeting"));

/** Number the rows again: their names are by their place. */
function numbered() {
  for (const [at, row] of [...rows.children].entries()) renamed(/** @type {HTMLElement} */ (row), String(at));
}

/**
 * @param {HTMLElement} row
 * @param {string} at
 */
function renamed(row, at) {
  const was = row.dataset.row ?? "";
  row.dataset.row = at;
  for (const one of [row, ...row.querySelectorAll("*")]) {
    for (const { name, value } of [...one.attributes]) {
      if (/^(id|for|name|aria-describedby)$/.test(name)) one.setAttribute(name, value.replaceAll(`greetings.${was}.`, `greetings.${at}.`));
    }
  }
  const title = filled(words.greeting, { number: Number(at) + 1 });
  /** @type {HTMLElement} */ (row.querySelector("legend")).textContent = title;
  const remove = /** @type {HTMLButtonElement} */ (row.querySelector(".remove"));
  remove.value = `greeting-remove:${at}`;
  /** @type {HTMLElement} */ (remove.firstElementChild).textContent = ` ${title}`;
}

place("greeting-add").onclick = (event) => {
  event.preventDefault();
  rows.append(blank.content.cloneNode(true));
  numbered();
  /** @type {HTMLElement} */ (rows.lastElementChild?.querySelector("textarea")).focus();
  typing();
};

rows.addEventListener("click", (event) => {
  const row = event.target instanceof Element && event.target.closest(".remove")?.closest("fieldset");
  if (!row) return;
  event.preventDefault();
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  numbered();
  /** @type {HTMLElement} */ (next?.querySelector("textarea") ?? place("s-greetings")).focus();
  typing();
});

// -- the preview ------------------------------------------------------------------------------------------------------

const OWN = ["title", "lede", "chat", "audio", "video", "book"];
const view = { light: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light", width: "phone", language: frame.src.split("in=")[1] };

function typed() {
  const { language } = view;
  const capabilities = [...document.querySelectorAll("[name=capabilities]:checked")].map((one) => /** @type {HTMLInputElement} */ (one).value);
  const greetings = [...rows.children].map((_, at) => ({
    text: text(`greetings.${at}.text.${language}`),
    page: "*", // the preview's address is none of the site's
    after: 1,
    scroll: 0,
  }));
  return {
    light: view.light,
    name: text("name"),
    theme: { ...look.colours, scheme: chosen("theme.scheme"), side: chosen("theme.side"), x: pixels("theme.offset_x"), y: pixels("theme.offset_y") },
    words: Object.fromEntries(OWN.map((key) => [key, text(`words.${language}.${key}`)])),
    capabilities,
    greetings: greetings.filter((one) => one.text).slice(0, 1),
  };
}

const pixels = (/** @type {string} */ name) => Math.min(200, Math.max(0, Number.parseInt(text(name), 10) || 0));

function show() {
  frame.contentWindow?.postMessage({ t: "typed", typed: typed() }, location.origin);
}

window.addEventListener("message", ({ data, origin, source }) => {
  if (origin === location.origin && source === frame.contentWindow && data?.t === "here") show();
});

for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("#preview-bar button"))) {
  button.onclick = () => {
    for (const other of button.parentElement?.children ?? []) other.setAttribute("aria-pressed", String(other === button));
    Object.assign(view, button.dataset);
    place("preview").dataset.width = view.width;
    if (button.dataset.language) frame.src = frame.src.replace(/in=.*/, `in=${view.language}`);
    else show();
  };
}
for (const button of document.querySelectorAll("#preview-bar [data-light]")) {
  button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.light === view.light));
}
place("preview-bar").hidden = false;

const DESKTOP = 1200; // pixels that the page believes to have
new ResizeObserver(([{ contentRect }]) => place("preview").style.setProperty("--part", String(contentRect.width / DESKTOP))).observe(place("preview"));

// -- typing -----------------------------------------------------------------------------------------------------------

const AFTER = 200; // milliseconds without a key
let timer = 0;
let unsaved = Boolean(document.querySelector("#problems, #changed"));

function typing() {
  unsaved = true;
  place("standing").textContent = words.unsaved;
  clearTimeout(timer);
  timer = setTimeout(lookAgain, AFTER);
}

sheet.addEventListener("input", typing);
sheet.addEventListener("submit", () => (unsaved = false));
window.addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
figures();
// Who is quick has typed before this was here; and browsers put back what was typed before a page was left.
const texts = /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (sheet.querySelectorAll("input:not([type]), textarea"));
if ([...texts].some((one) => one.value !== one.defaultValue)) typing();
