// A long list becomes one to search in: what is typed leaves the entries that have it.

/** @param {string} text */
const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/_/g, " ").toLowerCase();

/**
 * @param {HTMLElement} field holds the select; its `data-search` labels the search
 */
export function search(field) {
  const select = field.querySelector("select");
  if (!select) return;
  const all = [...select.querySelectorAll("option")];
  const groups = [...select.children];
  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  input.setAttribute("aria-label", field.dataset.search ?? "");
  input.placeholder = field.dataset.search ?? "";
  input.addEventListener("input", () => {
    const wish = plain(input.value.trim());
    const found = all.filter((one) => plain(`${one.textContent} ${one.value}`).includes(wish));
    select.replaceChildren(...(wish ? found.map((one) => one.cloneNode(true)) : groups));
    select.size = wish ? Math.min(Math.max(found.length, 2), 6) : 1;
    if (wish && found[0]) select.value = found[0].value;
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") select.focus();
  });
  field.prepend(input);
}
