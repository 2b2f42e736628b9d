// The form's time left, and no second click.

const SAID_AT = new Set([120, 60]);

/** @param {HTMLElement} place */
function countDown(place) {
  const behind = Date.now() / 1000 - Number(place.dataset.now); // this browser's clock against the server's
  const said = document.querySelector("#kept-said");
  const tick = () => {
    const left = Math.max(0, Math.round(Number(place.dataset.until) + behind - Date.now() / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    place.textContent = left ? (place.dataset.left ?? "").replace("{left}", clock) : place.dataset.over ?? "";
    if (said && (SAID_AT.has(left) || !left)) said.textContent = place.textContent;
    if (!left) clearInterval(timer);
  };
  const timer = setInterval(tick, 1000);
  tick();
}

for (const place of document.querySelectorAll("[data-until]")) countDown(/** @type {HTMLElement} */ (place));

for (const form of document.querySelectorAll("form:has([data-once])")) {
  form.addEventListener("submit", (event) => {
    const button = form.querySelector("[data-once]");
    if (button?.getAttribute("aria-disabled") === "true") event.preventDefault();
    button?.setAttribute("aria-disabled", "true");
  });
}
addEventListener("pageshow", () => document.querySelector("[data-once]")?.removeAttribute("aria-disabled"));
/** @type {HTMLElement | null} */ (document.querySelector("#problems"))?.focus();
