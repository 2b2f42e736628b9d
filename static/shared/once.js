// A second click on a form that is on its way changes nothing.

/** @param {SubmitEvent} event */
function sent(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const way = event.submitter?.getAttribute("formaction");
  if (!form.hasAttribute("data-once") || way) return; // another way out of the form may still be taken
  if (form.hasAttribute("data-sent")) event.preventDefault();
  form.setAttribute("data-sent", "");
}

document.addEventListener("submit", sent);
// Coming back by the browser's own button finds the page as it was left.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) form.removeAttribute("data-sent");
});
