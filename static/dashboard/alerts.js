// What calls somebody who looks elsewhere: a sound, a notification, and a number in the title.

import { remember, remembered } from "../shared/remembered.js";
import { Ring } from "../shared/ring.js";
import { button, say, write } from "./page.js";

const TITLE = document.title;
const chime = new Ring("desk-sound", true); // an adviser is there to be called

/** Whether this browser notifies, as far as it was asked and allowed. */
const notifies = () => "Notification" in globalThis && Notification.permission === "granted" && remembered("desk-notify") !== "0";

export function offerAlerts() {
  const shown = () => {
    write(button("sound"), say(chime.on ? "sound_on" : "sound_off"));
    const permission = "Notification" in globalThis ? Notification.permission : "denied";
    const state = permission === "granted" ? (notifies() ? "on" : "off") : permission === "denied" ? "denied" : "ask";
    write(button("notify"), say(`notify_${state}`));
    button("notify").disabled = permission === "denied";
  };
  button("sound").addEventListener("click", () => {
    chime.toggle();
    shown();
  });
  button("notify").addEventListener("click", async () => {
    if (Notification.permission === "granted") remember("desk-notify", notifies() ? "0" : "1");
    else await Notification.requestPermission();
    shown();
  });
  shown();
}

/**
 * Call: somebody who looks at the page hears it, and is not told twice.
 * @param {{ title: string, text: string, tag: string, looks: boolean, open: () => void, silent?: boolean }} what
 */
export function call({ title, text, tag, looks, open, silent }) {
  if (!silent) chime.play();
  if (looks || !notifies()) return;
  const shown = new Notification(title, { body: text, tag });
  shown.onclick = () => {
    focus();
    shown.close();
    open();
  };
}

/** @param {boolean} on whether a call rings here */
export const ringing = (on) => chime.ring(on);

/**
 * @param {number} count of what waits
 * @param {string} [caller] whose call rings
 */
export function titled(count, caller) {
  const title = caller ? say("rings", { name: caller }) : count ? `(${count}) ${TITLE}` : TITLE;
  if (document.title !== title) document.title = title;
}
