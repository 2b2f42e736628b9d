// The call that this tab follows into its room.

const MINE = "presence-call";
let kept = ""; // where the browser keeps nothing, for as long as the page lives

/** @returns {string} "" for none */
export function mine() {
  try {
    return sessionStorage.getItem(MINE) ?? "";
  } catch {
    return kept;
  }
}

/** @param {string} call "" for none */
export function keepMine(call) {
  kept = call;
  try {
    sessionStorage.setItem(MINE, call);
  } catch {
    // then a reload shows the way to the room, and does not take it by itself
  }
}
