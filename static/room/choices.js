// Which microphone, camera and speaker: a choice of each wherever the page has room for one (`data-devices`).

import { element } from "../shared/text.js";
import { canChooseSpeaker } from "./devices.js";
import { say, the } from "./page.js";

/** @typedef {"mic" | "cam" | "speaker"} Kind */

/** @type {Kind[]} */
const KINDS = ["mic", "cam", "speaker"];

export class Choices {
  #shown = "";

  /**
   * @param {import("./devices.js").Devices} devices
   * @param {(id: string) => void} speaker another speaker is chosen
   */
  constructor(devices, speaker) {
    this.devices = devices;
    this.speaker = speaker;
    devices.on("lists", () => this.show());
    devices.on("track", () => this.show());
  }

  show() {
    const { lists, chosen, tracks } = this.devices;
    const kinds = KINDS.filter((kind) => lists[kind].some((one) => one.name) && (kind !== "speaker" || canChooseSpeaker()));
    const key = JSON.stringify([kinds, lists, chosen, tracks.mic?.label, tracks.cam?.label]);
    if (key === this.#shown) return;
    this.#shown = key;
    the("check-devices").hidden = !kinds.length;
    for (const place of document.querySelectorAll("[data-devices]")) {
      if (place.contains(document.activeElement) && place.querySelector("select")) this.#refill(place, kinds);
      else place.replaceChildren(...kinds.map((kind) => this.#field(kind, place)));
    }
  }

  /**
   * @param {Kind} kind
   * @param {Element} place
   */
  #field(kind, place) {
    const id = `${place.closest("[id]")?.id}-${kind}`;
    const select = element("select", { id, "data-kind": kind }, ...this.#options(kind));
    select.value = this.#now(kind);
    select.addEventListener("change", async () => {
      await this.devices.choose(kind, select.value);
      if (kind === "speaker") this.speaker(select.value);
    });
    return element("p", { class: "field" }, element("label", { for: id }, say(`device_${kind}`)), select);
  }

  /**
   * The focus stays where it is.
   * @param {Element} place
   * @param {Kind[]} kinds
   */
  #refill(place, kinds) {
    for (const select of place.querySelectorAll("select")) {
      const kind = /** @type {Kind} */ (select.dataset.kind);
      if (!kinds.includes(kind)) continue;
      select.replaceChildren(...this.#options(kind));
      select.value = this.#now(kind);
    }
  }

  /** @param {Kind} kind */
  #options(kind) {
    const all = this.devices.lists[kind];
    const named = all.map(({ id, name }, order) => element("option", { value: id }, name || say("device_number", { number: order + 1 })));
    return all.some(({ id }) => id === "" || id === "default") ? named : [element("option", { value: "" }, say("device_standard")), ...named];
  }

  /** @param {Kind} kind */
  #now(kind) {
    const { lists, chosen, tracks } = this.devices;
    const used = kind === "speaker" ? "" : (tracks[kind]?.getSettings().deviceId ?? "");
    const wish = used || chosen[kind];
    return lists[kind].some(({ id }) => id === wish) ? wish : (lists[kind].find(({ id }) => id === "default")?.id ?? "");
  }
}
