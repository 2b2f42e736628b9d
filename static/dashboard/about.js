// Who the customer is: what is known of them, what was said and booked before, and what marks this conversation.

import { attached } from "../shared/log.js";
import { element, icon } from "../shared/text.js";
import { dayName, moment } from "../shared/time.js";
import { ago, ME, place, post, say, write } from "./page.js";
import { vouchedFor } from "./rows.js";
import { inOwnWords, shortPage } from "./telling.js";
import { attempt } from "./toasts.js";

/**
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./conversation.js").Whole} Whole
 */

export class About {
  /** @type {Whole | null} */ #whole = null;
  #tags = "";
  /** @type {HTMLElement | null} */ #clock = null;

  /** @param {(row: Row) => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.body = place("customer");
    setInterval(() => this.#tick(), 10_000);
  }

  /** @param {Whole | null} whole */
  show(whole) {
    this.#whole = whole;
    this.#tags = "";
    this.#clock = null;
    if (!whole) return this.body.replaceChildren(element("p", { class: "calm" }, say("no_customer")));
    const { customer, row } = whole;
    const name = customer.name || customer.email || say("no_name");
    const vouched = element("p", { class: customer.verified ? "vouched good" : "vouched" }, icon(customer.verified ? "shield" : "person"), vouchedFor({ ...customer, site: row.site }, say) || say("not_verified"));
    const tags = section(say("tags"), element("div", { class: "tags" }));
    tags.id = "tags";
    this.body.replaceChildren(
      element("div", { class: "who" }, element("h2", {}, name), vouched),
      this.#facts(whole),
      element("p", {}, element("a", { class: "small-button", href: bookFor(customer), target: "_blank", rel: "noopener" }, icon("calendar"), say("book"))),
      tags,
      section(say("appointments"), list(whole.appointments.map(appointment))),
      section(say("past"), list(whole.conversations.map(past))),
      section(say("files"), element("div", { class: "files" }, ...whole.files.map((one) => attached(one)))),
    );
    if (!whole.files.length) this.body.lastElementChild?.remove();
    this.put(row);
    this.#tick();
  }

  /** @param {Row} row as it is now */
  put(row) {
    if (!this.#whole || row.c !== this.#whole.row.c || this.#tags === JSON.stringify(row.tags)) return;
    this.#tags = JSON.stringify(row.tags);
    this.#whole.row = row;
    const box = /** @type {HTMLElement} */ (this.body.querySelector("#tags .tags"));
    const writing = /** @type {HTMLInputElement | null} */ (box.querySelector("input"));
    const input = writing ?? element("input", { type: "text", maxlength: "40", autocomplete: "off", "aria-label": say("add_tag"), placeholder: say("add_tag") });
    if (!writing) {
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing || !input.value.trim()) return;
        event.preventDefault();
        void this.#tag([...(this.#whole?.row.tags ?? []), input.value.trim()]);
        input.value = "";
      });
    }
    const chips = row.tags.map((tag) => {
      const away = element("button", { type: "button", "aria-label": say("remove_tag", { tag }) }, icon("close"));
      away.addEventListener("click", () => {
        void this.#tag(row.tags.filter((one) => one !== tag));
        input.focus();
      });
      return element("span", { class: "tag" }, tag, away);
    });
    for (const chip of box.querySelectorAll(".tag")) chip.remove();
    if (!writing) box.append(input);
    box.prepend(...chips);
  }

  /** @param {string[]} tags */
  async #tag(tags) {
    const done = this.#whole && (await attempt(post(`/desk/conversations/${this.#whole.row.c}/tags`, { tags })));
    if (done) this.changed(done.row);
  }

  /** @param {Whole} whole */
  #facts({ customer, row }) {
    const facts = element("dl", { class: "card-facts" });
    /** @type {(label: string, value: Node | string | null | undefined) => void} */
    const fact = (label, value) => {
      if (value) facts.append(element("dt", {}, say(label)), element("dd", {}, value));
    };
    fact("email", customer.email && element("a", { href: `mailto:${customer.email}` }, customer.email));
    fact("phone", customer.phone && element("a", { href: `tel:${customer.phone.replace(/\s/g, "")}` }, customer.phone));
    fact("language", languageName(row.language));
    this.#clock = element("span");
    fact("local_time", customer.zone && this.#clock);
    fact("from_site", row.site);
    fact("page", row.page && (/^https?:/.test(row.page) ? element("a", { href: row.page, target: "_blank", rel: "noopener noreferrer" }, shortPage(row.page)) : row.page));
    fact("personal_adviser", customer.personal_adviser);
    fact("since", customer.since && dayName(customer.since));
    fact("rating", row.rating ? `${row.rating} / 5` : "");
    return facts;
  }

  #tick() {
    const zone = this.#whole?.customer.zone;
    if (!zone || !this.#clock) return;
    const time = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
    write(this.#clock, `${time.format(Date.now())} · ${zone.split("/").at(-1)?.replace(/_/g, " ")}`);
  }
}

/** @param {{ name: string, email: string, phone: string }} customer */
function bookFor({ name, email, phone }) {
  const known = Object.entries({ adviser: ME.slug, name, email, phone }).filter(([, value]) => value);
  return `/book?${new URLSearchParams(known)}`;
}

/**
 * @param {string} title
 * @param {HTMLElement} content
 */
function section(title, content) {
  return element("section", {}, element("h3", {}, title), content);
}

/** @param {HTMLElement[]} items */
function list(items) {
  return element("ul", { class: "plain-list" }, ...(items.length ? items : [element("li", { class: "quiet" }, say("nothing"))]));
}

/** @param {{ starts_at: number, state: string, service: Record<string, string>, url: string }} one */
export function appointment({ starts_at, state, service, url }) {
  const remark = say(`appointment_${state}`);
  return element("li", {}, element("a", { href: url }, element("b", {}, moment(starts_at)), " ", inOwnWords(service)), ...(remark ? [" ", element("small", {}, remark)] : []));
}

/** @param {Row} row */
function past(row) {
  const link = element("a", { href: `#${row.c}`, "data-open": row.c }, element("b", {}, ago(row.updated_at)), " ", row.preview || "…");
  return element("li", { class: "one-line" }, link);
}

/** @param {string} code */
export function languageName(code) {
  return code && (new Intl.DisplayNames([document.documentElement.lang], { type: "language" }).of(code) ?? code);
}
