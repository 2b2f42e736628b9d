// Asking the server over HTTP: JSON there, JSON back, and what is wrong in words. Inside another site's page, addresses begin
// with where we are (`data-at`), and the visitor is named by a header (visitor.js): browsers keep our cookies away from there.

const PATIENCE = 20_000; // milliseconds after which no answer will come
/** What stands before the addresses of our pages inside of another site's; "" for our own. */
export const AT = document.documentElement.dataset.at ?? "";

/**
 * An address of ours as it is where this page is.
 * @param {string} address
 */
export const here = (address) => (AT && address.startsWith("/") && !address.startsWith(`${AT}/`) ? AT + address : address);

/** @type {Record<string, string>} headers that every request carries */
export const carried = {};

/** What the server refused, and why: `code`, and `more` of it; `errors` by field; `after`, in seconds, when it may be asked again. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 when there was no answer
   * @param {{ type?: string, title?: string, detail?: string, errors?: { field: string, detail: string }[], [more: string]: any }} problem
   * @param {number} [after]
   */
  constructor(status, problem, after) {
    super(problem.detail ?? problem.title ?? "");
    this.status = status;
    this.code = problem.type?.split("/").at(-1) ?? "";
    this.more = problem;
    this.errors = Object.fromEntries((problem.errors ?? []).map(({ field, detail }) => [field, detail]));
    this.after = after;
  }

  /** Whether the same may be tried again without a change. */
  get passes() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/**
 * @param {string} address
 * @param {object | null} [body] posted when given
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the answer's JSON; null when it has none
 */
export async function ask(address, body = null, headers = {}) {
  /** @type {RequestInit} */
  const request = { headers: { Accept: "application/json", ...carried, ...headers }, signal: AbortSignal.timeout(PATIENCE) };
  if (body) Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  const answer = await fetch(here(address), request).catch(() => {
    throw new Refusal(0, {});
  });
  const text = await answer.text().catch(() => "");
  const json = text && /json/.test(answer.headers.get("Content-Type") ?? "") ? JSON.parse(text) : null;
  if (!answer.ok) throw new Refusal(answer.status, json ?? {}, Number(answer.headers.get("Retry-After")) || undefined);
  return json;
}
