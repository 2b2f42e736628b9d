// Who this page's reader is to the company, where no cookie tells: inside another site's page, and in what was popped out of it.
// Kept where the browser lets us, by itself and apart for each site; else in this page alone, and handed on to the next.

import { AT, carried, here } from "./ask.js";

const { dataset } = document.documentElement;
const HEADER = "X-Visitor";
export const NAME = `presence-visitor ${AT.split("/")[2] ?? ""}`;
let token = "";

/** @returns {string} what the browser keeps; "" when it keeps nothing */
function kept() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

/** @returns {string} the visitor's token; empty on our own pages, and for who is new */
export function visitorToken() {
  if (AT && !token) keepVisitor(dataset.visitor ?? kept());
  return token;
}

/** Whether the browser keeps anything for us here. */
export function keeps() {
  try {
    return Boolean(localStorage);
  } catch {
    return false;
  }
}

/** Whether the next page finds it by itself. */
export const isKept = () => visitorToken() === kept();

/** @param {string} found the token to keep; empty: forget who this was */
export function keepVisitor(found) {
  token = found;
  delete dataset.visitor;
  delete carried[HEADER];
  if (found) carried[HEADER] = found;
  try {
    if (found) localStorage.setItem(NAME, found);
    else localStorage.removeItem(NAME);
  } catch {
    // full, or closed to us: it is known to this page
  }
}

/** Forget who this was: here, and by the server, since a window of ours or a cookie that no script reads may know it, too. */
export function forgetVisitor() {
  const headers = { ...credentials() };
  const named = Boolean(headers[HEADER]) || !keeps();
  keepVisitor("");
  if (named) fetch(here("/chat/forget"), { method: "POST", headers, keepalive: true }).catch(() => {}); // its life is half a day
}

/** @returns {Record<string, string>} the headers that say who asks */
export function credentials() {
  visitorToken();
  return carried;
}

visitorToken();
