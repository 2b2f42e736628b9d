// Who is there, as long as somebody looks: of the cards that can be seen, pushed over a live connection of this page's own. Nobody is
// signed in for it, and closed again while the page is hidden. Where no connection comes about, the server is asked now and then.

import { address, pageDoors } from "../shared/doors.js";
import { Link } from "../shared/link.js";
import { cards, place, show } from "./cards.js";

const MOST = 50; // that the server lets one connection watch
const TOGETHER = 200; // milliseconds in which cards come into view as one change
const FRESH = 5 * 60_000; // for which the page's pass is used
const PACE = 30_000; // between questions where there is no connection

export class There {
  /** @type {Set<HTMLElement>} the last that came into view at the end */ #seen = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #soon;
  /** @type {IntersectionObserver} */ #views;
  #doors = pageDoors();
  #askedAt = Date.now();
  #all = ""; // what everybody who is listed is together, as it was told last
  #link = new Link(
    {
      url: address(),
      pass: () => this.#pass(),
      hello: () => ({ t: "hello" }),
      engaged: () => false, // nobody waits for who looks at this page
      heard: (frame) => this.#heard(frame),
      changed: () => undefined,
    },
    this.#doors,
  );

  /**
   * @param {() => Promise<Document>} anew the page as it is now
   * @param {() => void} come somebody is there, and nobody was before
   */
  constructor(anew, come) {
    this.anew = anew;
    this.come = come;
    this.#views = new IntersectionObserver((entries) => this.#viewed(entries));
  }

  start() {
    this.#doors.attach({
      tick: () => void this.#tick(),
      check: () => this.#link.check(),
      touched: () => this.#turn(),
      pause: () => this.#link.stop(),
      resume: () => this.#turn(),
    });
    document.addEventListener("visibilitychange", () => this.#turn());
    this.look();
    this.#turn();
  }

  /** Other cards are on the page than before. */
  look() {
    const now = new Set(cards());
    for (const card of this.#seen) if (!now.has(card)) this.#seen.delete(card);
    this.#views.disconnect();
    for (const card of now) this.#views.observe(card);
    this.#watch();
  }

  get #looked() {
    return this.#doors.visible() && document.documentElement.dataset.shown !== "hide";
  }

  /** Connect while somebody looks, and at no other time. */
  #turn() {
    const ended = this.#link.status.state === "ended";
    if (this.#looked && ended) {
      this.#link.start();
      if (Date.now() - this.#askedAt > PACE) void this.#ask();
    } else if (!this.#looked && !ended) this.#link.stop();
  }

  async #tick() {
    this.#turn();
    if (!this.#looked) return;
    this.#link.tick();
    if (this.#link.status.state !== "open" && Date.now() - this.#askedAt > PACE) await this.#ask();
  }

  async #pass() {
    if (Date.now() - this.#askedAt > FRESH) await this.#ask();
    return { token: place().dataset.pass ?? "" };
  }

  /** Take over what the server says of everybody now, and its pass. */
  async #ask() {
    this.#askedAt = Date.now();
    const fresh = await this.anew().catch(() => null);
    const there = /** @type {HTMLElement | null | undefined} */ (fresh?.querySelector("#experts"));
    if (!there) return;
    place().dataset.pass = there.dataset.pass;
    for (const card of cards()) {
      const one = /** @type {HTMLElement | null} */ (there.querySelector(`[data-expert="${card.dataset.expert}"]`));
      show(card, /** @type {any} */ (one ?? card).dataset.state);
    }
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #viewed(entries) {
    for (const { target, isIntersecting } of entries) {
      this.#seen.delete(/** @type {HTMLElement} */ (target));
      if (isIntersecting) this.#seen.add(/** @type {HTMLElement} */ (target));
    }
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => this.#watch(), TOGETHER);
  }

  #watch() {
    const { what, seenFrom } = place().dataset;
    const seen = [...this.#seen].slice(-(MOST - 1)).map((card) => `adviser:${card.dataset.expert}`);
    this.#link.send({ t: "watch", what: [what, ...seen].map((one) => `${one}${seenFrom}`) });
  }

  /** @param {import("../shared/link.js").Frame} frame */
  #heard({ t, what, state }) {
    if (t === "welcome") this.#watch();
    if (t !== "presence") return;
    const whom = what.split("@")[0];
    if (whom === place().dataset.what) {
      if (this.#all && this.#all !== "available" && state === "available") this.come();
      this.#all = state;
    }
    for (const card of cards()) if (`adviser:${card.dataset.expert}` === whom) show(card, state);
  }
}
