// A page inside of another site's: by `shared/host.js` it closes, and where it stands in the text of the host's page, the host
// hears how high it is. It scrolls there with the page around it.

import { tell } from "./host.js";

let told = 0;

function measure() {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  if (height === told) return;
  told = height;
  tell({ t: "size", height });
}

if ("inline" in document.documentElement.dataset) new ResizeObserver(measure).observe(document.body);
