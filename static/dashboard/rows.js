// Which conversation is in which list, and in what order. Pure.

/**
 * @typedef {{
 *   c: string, state: "waiting" | "active" | "message" | "closed",
 *   adviser: { id: number, name: string } | null,
 *   offered: { id: number, until: number } | null,
 *   customer: { name: string, email: string, verified: boolean, here: boolean },
 *   language: string, team: string | null, subject: string, preview: string, unread: boolean, heard: string, last_seq: number,
 *   tags: string[], queued_at: number | null, updated_at: number, created_at: number, closed_at: number | null,
 *   rating: number | null, page: string, site: string,
 * }} Row as the server sends it; instants in milliseconds
 * @typedef {"mine" | "team" | "waiting" | "closed" | "all" | "live"} View
 * @typedef {{ id: number, teams: Set<string>, supervisor: boolean }} Member
 */

/**
 * Whether it is known who the customer is, in words; "" when it is not.
 * @param {{ verified: boolean, site: string }} one
 * @param {(name: string, values?: Record<string, string>) => string} say
 */
export const vouchedFor = ({ verified, site }, say) => (verified ? (site ? say("verified_by", { site }) : say("verified")) : "");

/**
 * Whether it is theirs to answer, or offered to them.
 * @param {Row} row
 * @param {Member} me
 */
export const isMine = (row, me) => row.state !== "closed" && (row.adviser?.id === me.id || row.offered?.id === me.id);

/**
 * @param {Row} row
 * @param {View} view
 * @param {Member} me
 */
export function belongs(row, view, me) {
  const teams = row.team === null || me.teams.has(row.team) || row.adviser?.id === me.id || row.offered?.id === me.id;
  switch (view) {
    case "mine":
      return isMine(row, me);
    case "team":
      return row.state !== "closed" && teams;
    case "waiting":
      return (row.state === "waiting" || row.state === "message") && row.adviser === null;
    case "closed":
      return row.state === "closed";
    case "live":
      return row.state === "active";
    default:
      return true;
  }
}

/**
 * The latest first; of the same second, the one begun later.
 * @param {Row[]} rows
 */
export const inOrder = (rows) => rows.sort((a, b) => b.updated_at - a.updated_at || b.created_at - a.created_at || (a.c < b.c ? 1 : -1));
