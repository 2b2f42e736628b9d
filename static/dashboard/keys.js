// Single keys that do what buttons do; never while somebody types, and not at all for whom they are in the way.

import { remember, remembered } from "../shared/remembered.js";
import { dialog, field, place } from "./page.js";

/** @param {EventTarget | null} target where letters are letters, or a menu is open */
function types(target) {
  return target instanceof Element && Boolean(target.closest(".menu, input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));
}

/** @param {Record<string, () => void>} acts by key, as the keyboard's layout names it */
export function listenForKeys(acts) {
  const wanted = field("keys-on");
  wanted.checked = remembered("desk-keys") !== "0";
  wanted.addEventListener("change", () => remember("desk-keys", wanted.checked ? "" : "0"));
  place("open-help").addEventListener("click", () => dialog("help").showModal());
  document.addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey, isComposing, defaultPrevented } = event;
    if (ctrlKey || metaKey || altKey || isComposing || defaultPrevented || types(target)) return;
    if (!wanted.checked && key !== "Escape") return;
    if (document.querySelector("dialog[open]")) return;
    const act = acts[key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
