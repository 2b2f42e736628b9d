// Booking inside of another site's page: what the host knows is filled in, what has been booked is told to it, and who books is
// named by the form, as no cookie does.

import { on, tell } from "../shared/host.js";
import { visitorToken } from "../shared/visitor.js";

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

const HELD = "presence-held"; // the hour that is kept, by the token of its form
const root = document.documentElement;

/** What the browser keeps for us as long as this tab is open; null where it keeps nothing. */
function tab() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

/**
 * Fill a field that nobody has filled in.
 * @param {string} name as in the form
 * @param {unknown} value
 */
function fill(name, value) {
  if (typeof value !== "string" && typeof value !== "boolean") return;
  const text = value === true ? "yes" : value === false ? "no" : value;
  const fields = /** @type {NodeListOf<Field>} */ (document.querySelectorAll(`#details [name="${CSS.escape(name)}"]`));
  const choices = [...fields].filter((field) => field instanceof HTMLInputElement && field.type === "radio");
  if (choices.length) {
    const wanted = choices.find((field) => field.value === text || field.closest("label")?.textContent?.trim() === text);
    if (wanted && !choices.some((field) => /** @type {HTMLInputElement} */ (field).checked)) wanted.click();
  } else if (fields[0] && !fields[0].value) {
    fields[0].value = text.slice(0, fields[0].maxLength > 0 ? fields[0].maxLength : undefined);
  }
}

/** @param {{ name?: unknown, email?: unknown, phone?: unknown, answers?: Record<string, unknown> }} known */
function prefill({ name, email, phone, answers }) {
  fill("name", name);
  fill("email", email);
  fill("phone", phone);
  for (const [key, value] of Object.entries(answers ?? {})) fill(`answers.${key}`, value);
}

/**
 * What an identity says of its customer. Whether it is true matters to nobody here: they see it, and may change it.
 * @param {string} token
 * @returns {{ name?: unknown, email?: unknown }}
 */
function claimed(token) {
  try {
    const raw = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (letter) => letter.charCodeAt(0))));
  } catch {
    return {};
  }
}

/** @param {HTMLFormElement} form the one that says who books */
function named(form) {
  tab()?.setItem(HELD, form.dataset.held ?? "");
  const visitor = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("visitor"));
  if (visitor) visitor.value = visitorToken();
  on("prefill", prefill);
  on("identity", ({ token }) => typeof token === "string" && prefill(claimed(token)));
}

/** @param {HTMLElement} place */
function booked({ dataset }) {
  tab()?.removeItem(HELD);
  tell({ t: "booked", starts_at: Number(dataset.booked), service: dataset.service });
  const address = new URL(location.href);
  address.searchParams.delete("booked"); // a page that is loaded again does not tell it again
  history.replaceState(null, "", address);
}

// Who comes back from the form and chooses anew would find the hour taken: by themselves.
document.addEventListener("submit", ({ target }) => {
  const form = /** @type {HTMLFormElement} */ (target);
  const held = tab()?.getItem(HELD);
  if (!root.dataset.at || !held || !new URL(form.action).pathname.endsWith("/hold")) return;
  const before = Object.assign(document.createElement("input"), { type: "hidden", name: "hold", value: held });
  form.append(before);
});

if (root.dataset.at) {
  const [form, done] = [document.querySelector("#details"), document.querySelector("[data-booked]")];
  if (form) named(/** @type {HTMLFormElement} */ (form));
  if (done) booked(/** @type {HTMLElement} */ (done));
}
