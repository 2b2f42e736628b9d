// Going on to another of our pages inside of another site's, as who we are. Addresses hold nothing of that: a form says it.

import { here } from "./ask.js";
import { element } from "./text.js";
import { visitorToken } from "./visitor.js";

/**
 * @param {string} address
 * @param {string} [target] the name of a window of its own
 */
export function enter(address, target = "") {
  const form = element("form", { method: "post", action: here(address), target, hidden: "" });
  form.append(element("input", { type: "hidden", name: "visitor", value: visitorToken() }));
  document.body.append(form);
  form.submit();
  form.remove();
}
