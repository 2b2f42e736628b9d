// Files inside of another site's page: an address alone opens none there, so they are fetched as who we are, and shown from here.

import { credentials } from "./visitor.js";

/** @param {string} address */
async function blob(address) {
  const answer = await fetch(address, { headers: credentials() });
  if (!answer.ok) throw new Error(String(answer.status));
  return URL.createObjectURL(await answer.blob());
}

/**
 * Let a link lead to what is fetched: at once when it holds a picture, which is shown then; else once it is clicked.
 * @param {HTMLAnchorElement} link
 */
export function fetched(link) {
  const picture = link.querySelector("img");
  if (picture) {
    void blob(link.href).then(
      (found) => (picture.src = link.href = found),
      () => undefined, // its name stands in its place
    );
    return;
  }
  link.addEventListener("click", async (event) => {
    if (link.protocol === "blob:") return;
    event.preventDefault();
    link.href = await blob(link.href).catch(() => link.href);
    if (link.protocol === "blob:") link.click();
  });
}
