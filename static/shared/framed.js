// A page inside of another site's: by `shared/host.js` it closes, and the host hears how high it is. Where it stands in the text of
// the host's page it scrolls with that; elsewhere the host learns by it that the page has come.

import { tell } from "./host.js";

let told = 0;

function measure() {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height === told) return;
  told = height;
  tell({ t: "size", height });
}

new ResizeObserver(measure).observe(document.body);
