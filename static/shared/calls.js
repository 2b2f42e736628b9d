// Calls as pages are told of them (frame `calls`), and how their rooms are opened.

/**
 * @typedef {"ringing" | "waiting" | "held" | "admitted" | "ended"} CallState
 * @typedef {"" | "held" | "rejected" | "declined" | "busy" | "missed" | "cancelled" | "expired"} Outcome
 * @typedef {{
 *   call: string, way: "in" | "out", origin: "appointment" | "customer" | "adviser", state: CallState, outcome: Outcome,
 *   medium: "video" | "audio" | "text", name: string, since: number | null, until: number | null, c: string, page: string,
 *   language: string, verified: boolean, starts_at: number | null, appointment: number | null, service: Record<string, string>,
 *   room: string, here: boolean,
 * }} Call as presence/calls/model.py has it; instants in milliseconds
 * @typedef {"rings" | "rung" | "waits" | "held" | "late" | "inside" | "open" | "over"} Standing
 *   rings: at us; rung: by us; waits, held, late: an appointment's customer; inside: we are in its room; open: we may enter
 */

/**
 * What a call is to whoever looks at its row. Pure.
 * @param {Call} call
 * @returns {Standing}
 */
export function standingOf({ way, state, since, here }) {
  if (state === "ended") return "over";
  if (state === "ringing") return way === "in" ? "rings" : "rung";
  if (state === "waiting" && since) return "waits"; // also to whoever is in the room: they may look elsewhere
  if (here) return "inside";
  return state === "waiting" ? "late" : state === "held" ? "held" : "open";
}

/**
 * A length of time as a clock shows it: "0:07", "12:40", "1:05:00".
 * @param {number} ms
 */
export function stopwatch(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/**
 * Open the window that a room will be in: at once, by the click itself, for browsers let nobody open one later. Null when
 * this one does not even then.
 */
export const windowAhead = () => window.open("about:blank", "_blank");

/**
 * Show a room in a window that was opened for it.
 * @param {Window | null} opened
 * @param {{ call: string, room: string }} call
 * @returns {boolean} whether there is such a window
 */
export function showRoom(opened, { call, room }) {
  if (!opened || opened.closed) return false;
  opened.name = `room-${call}`;
  opened.location.replace(room);
  return true;
}

/**
 * Go to a room: to the window that has it, as it is there; else to a new one.
 * @param {{ call: string, room: string }} call
 */
export function backToRoom({ call, room }) {
  const found = window.open("", `room-${call}`);
  if (!found) location.assign(room);
  else if (found.location.href === "about:blank") found.location.replace(room);
  else found.focus();
}
