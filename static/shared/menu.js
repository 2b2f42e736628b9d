// A button and the actions it shows: closed by Escape, by a click elsewhere, and by what was chosen; focus goes back to the button.

/**
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} list holds buttons or links; hidden until it is asked for
 * @param {() => void} [before] it is shown: fill it
 */
export function menu(button, list, before = () => undefined) {
  const items = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button, a")]).filter((one) => one.getClientRects().length);
  /** @param {boolean} open */
  const show = (open) => {
    if (open) before();
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) document.addEventListener("pointerdown", elsewhere);
    else document.removeEventListener("pointerdown", elsewhere);
    if (!open) return;
    items()[0]?.focus();
    list.scrollIntoView({ block: "nearest" }); // it may hang below what can be seen
  };
  /** @param {Event} event */
  const elsewhere = (event) => {
    const target = /** @type {Node} */ (event.target);
    if (!list.contains(target) && !button.contains(target)) show(false);
  };
  /** @param {KeyboardEvent} event */
  const keyed = (event) => {
    const all = items();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      show(false);
      button.focus();
    } else if (to !== undefined && !list.hidden) {
      event.preventDefault();
      all[to % all.length]?.focus();
    }
  };
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => show(Boolean(list.hidden)));
  button.addEventListener("keydown", keyed);
  list.addEventListener("keydown", keyed);
  list.addEventListener("click", (event) => {
    if (!(/** @type {Element} */ (event.target).closest("button, a"))) return;
    show(false);
    if (list.contains(document.activeElement) || document.activeElement === document.body) button.focus();
  });
  list.addEventListener("focusout", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !list.contains(to) && to !== button) show(false);
  });
}
