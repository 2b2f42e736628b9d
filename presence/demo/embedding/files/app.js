// A very small single-page application: what is shown follows the address.
const view = document.querySelector("#view");
const links = [...document.querySelectorAll("[data-view]")];

function show(focus) {
  const link = links.find((one) => one.pathname === location.pathname.replace(/\/$/, "")) ?? links[0];
  for (const one of links) one.toggleAttribute("aria-current", one === link);
  link.setAttribute("aria-current", "page");
  view.replaceChildren(document.querySelector(`[data-name="${link.dataset.view}"]`).content.cloneNode(true));
  document.title = `${link.textContent} – Banque Lumière`;
  if (focus) view.querySelector("h1").focus();
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    show(true);
  });
}
addEventListener("popstate", () => show(false));
show(false);
