// Booking inside of another site's page: what the host knows is filled in, what has been booked is told to it, and who books is
// named by the form, as no cookie does.

import { ask, here } from "../shared/ask.js";
import { framed, next, on, tell } from "../shared/host.js";
import { forgetVisitor, keepVisitor, visitorToken } from "../shared/visitor.js";

/** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */

// The token of the hour that is kept, after this: the one thing that a frame keeps from page to page where browsers store nothing.
const HELD = "presence-held ";
const SIGNS = 8_000; // milliseconds that the host's server may take to say who its customer is
const { at } = document.documentElement.dataset;

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
 * Whom the host vouches for is filled in. It is asked where the answer can be kept: what it signs is good once, and the
 * conversation may need it, too.
 */
async function vouched() {
  try {
    if (!localStorage) return;
  } catch {
    return; // closed to us
  }
  tell({ t: "identity" });
  const identity = (await next("identity", SIGNS))?.token;
  if (!identity && !visitorToken()) return; // nobody yet, and booking needs nobody
  const { visitor, verified, you } = await ask("/chat/session", { identity, zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  if (visitor) keepVisitor(visitor);
  if (verified) prefill(you);
}

/** @param {HTMLFormElement} form the one that says who books */
function named(form) {
  self.name = HELD + form.dataset.held;
  on("prefill", prefill);
  const who = /** @type {HTMLInputElement} */ (form.elements.namedItem("visitor"));
  who.value = visitorToken();
  if (!framed) return;
  // What the server refuses is told by the chat, which cannot do without.
  vouched().then(() => (who.value = visitorToken()), ({ message }) => console.error(`presence: ${message}`));
}

/** @param {HTMLElement} place */
function booked({ dataset }) {
  self.name = "";
  tell({ t: "booked", starts_at: Number(dataset.booked), service: dataset.service });
  const address = new URL(location.href);
  address.searchParams.delete("booked"); // a page that is loaded again does not tell it again
  history.replaceState(null, "", address);
}

// Who comes back from the form and chooses anew would find the hour taken: by themselves.
document.addEventListener("submit", ({ target }) => {
  const form = /** @type {HTMLFormElement} */ (target);
  if (!at || !self.name.startsWith(HELD) || !new URL(form.action).pathname.endsWith("/hold")) return;
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "hold", value: self.name.slice(HELD.length) }));
});

/** Who has logged out leaves nothing that they typed, or that was filled in for them. */
function forgotten() {
  forgetVisitor();
  self.name = "";
  location.replace(here("/book") + (new URLSearchParams(location.search).get("inline") ? "?inline=1" : ""));
}

if (at) {
  on("forget", forgotten);
  const [form, done] = [document.querySelector("#details"), document.querySelector("[data-booked]")];
  if (form) named(/** @type {HTMLFormElement} */ (form));
  if (done) booked(/** @type {HTMLElement} */ (done));
}
