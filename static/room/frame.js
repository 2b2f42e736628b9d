// The room inside of another site's page, and in a window that was popped out of it: what the page around it is told. Fetched there alone.

import { here } from "../shared/ask.js";
import { enter } from "../shared/enter.js";
import { framed, on, tell } from "../shared/host.js";
import { keepMine } from "../shared/mine.js";
import { remember } from "../shared/remembered.js";
import { forgetVisitor, isKept } from "../shared/visitor.js";
import { given, the } from "./page.js";

const room = `/room/${given.uid}`;
let [out, last] = [false, ""];

/** The newest page has the place, and a page is loaded anew by the form that brought us here. */
export const again = () => enter(room);

the("pop-out").hidden = !framed;
the("pop-out").addEventListener("click", () => {
  out = true; // what is told to us then is that another page has our place
  enter(room, "_blank");
});
on("forget", () => {
  forgetVisitor();
  keepMine("");
  remember("open", "");
  location.replace(here("/chat?embed=1&forget=1"));
});
document.getElementById("after-chat")?.addEventListener("click", (event) => {
  if (!(event.currentTarget instanceof HTMLAnchorElement)) return;
  if (!framed) event.currentTarget.search = "?popout=1";
  if (isKept()) return;
  event.preventDefault();
  enter(event.currentTarget.pathname + event.currentTarget.search);
});

/**
 * @param {"check" | "waiting" | "call" | "after"} phase
 * @param {string} over how it has ended
 */
export function shown(phase, over) {
  if (phase === last) return;
  const was = last;
  last = phase;
  tell({ t: "talking", on: true }); // once it is over, the conversation goes on
  if (phase === "call") tell({ t: "call", state: "started", medium: given.medium });
  if (phase !== "after") return;
  keepMine(""); // who goes back to the conversation is not sent here again
  if (over === "taken" && out) tell({ t: "popped" });
  else if (was === "call") tell({ t: "call", state: "ended", medium: given.medium });
}
