// Where a call stands, in the names of the page's words: what is said to whom, and when. Pure: time is an argument.

/**
 * @typedef {import("./signal.js").Room} Room
 * @typedef {import("./devices.js").Code} Code
 * @typedef {import("./devices.js").Kind} Kind
 * @typedef {"video" | "audio" | "text" | "phone"} Way
 * @typedef {{
 *   title: string, word: string, note: string, state: string, late: boolean, waits: boolean,
 * }} Standing `state` is the other side's presence; `waits`: the customer can be let in
 * @typedef {"left" | "taken" | "gone" | "held" | "rejected" | "expired" | "cancelled" | "missed" | "declined" | "end"} How
 */

// -- before -----------------------------------------------------------------------------------------------------------------

/**
 * The ways there are to take part, the best first.
 * @param {"video" | "audio" | "text"} medium
 * @param {{ mic: boolean, cam: boolean }} has
 * @param {boolean} phone
 * @returns {Way[]}
 */
export function ways(medium, has, phone) {
  /** @type {Way[]} */
  const found = ["text"];
  if (phone) found.push("phone");
  if (medium !== "text" && has.mic) found.unshift("audio");
  if (medium === "video" && has.cam) found.unshift("video");
  return found;
}

/**
 * What there is to say of devices that cannot be had: the words' names. Null when there is nothing.
 * @param {Record<Kind, Code | "">} problems
 * @param {import("./browsers.js").Browser} browser
 * @returns {{ title: string, word: string, steps: string, again: boolean } | null}
 */
export function help({ mic, cam }, browser) {
  const [kind, code] = mic && mic !== "none" ? ["mic", mic] : ["cam", cam];
  if (!code || code === "none") return null;
  const both = mic === cam;
  if (code === "denied") return { title: both ? "help_both" : `help_${kind}`, word: "help_denied", steps: `steps_${browser}`, again: true };
  if (code === "dismissed" || code === "system") return { title: both ? "help_both" : `help_${kind}`, word: `help_${code}`, steps: "", again: true };
  if (code === "busy") return { title: `help_busy_${kind}`, word: "help_busy", steps: "", again: true };
  if (code === "failed" || code === "unfit") return { title: `help_failed_${kind}`, word: "help_failed", steps: "", again: true };
  return { title: "help_title_other", word: `help_${code}`, steps: "", again: false };
}

// -- waiting ----------------------------------------------------------------------------------------------------------------

const LATE = 60_000; // milliseconds after the start: until then nobody is late

/**
 * How it stands before anybody is let in.
 * @param {Room} room
 * @param {number} now milliseconds
 * @returns {Standing}
 */
export function standing(room, now) {
  return room.role === "customer" ? ofCustomer(room, now) : ofAdviser(room, now);
}

/**
 * @param {Room} room
 * @param {number} now
 * @returns {Standing}
 */
function ofCustomer({ state, note, peer, presence, starts_at }, now) {
  const begun = starts_at !== null && now >= starts_at + LATE;
  const absent = presence === "away" || presence === "offline";
  const late = begun && !peer.here && (absent || now >= starts_at + 5 * LATE);
  const shown = peer.here ? "room" : presence;
  const rest = { state: shown, late, note: "", waits: false };
  if (state === "ringing") return { ...rest, title: "wait_ringing", word: "wait_word_knows" };
  if (state === "held") return { ...rest, title: "wait_held", word: "wait_word_held", note };
  if (peer.here) return { ...rest, title: "wait_lets_in", word: "wait_word_knows" };
  if (late) return { ...rest, title: "wait_late", word: "wait_word_late" };
  if (presence === "call") return { ...rest, title: "wait_knows", word: "wait_word_call" };
  if (absent && starts_at !== null && now < starts_at) return { ...rest, title: "wait_at", word: "wait_word_early" };
  return { ...rest, title: "wait_knows", word: starts_at !== null && now < starts_at ? "wait_word_early" : "wait_word_knows" };
}

/**
 * @param {Room} room
 * @param {number} now
 * @returns {Standing}
 */
function ofAdviser({ state, note, peer, starts_at }, now) {
  const late = !peer.here && starts_at !== null && now >= starts_at + LATE;
  const rest = { state: "", late, note: "", waits: peer.here && state !== "ringing" };
  if (state === "ringing") return { ...rest, title: "wait_ringing", word: "guest_word_not" };
  const looks = peer.ready ? "guest_ready" : "guest_looking";
  if (peer.here && state === "held") return { ...rest, title: "guest_held", word: looks, note };
  if (peer.here) return { ...rest, title: "guest_here", word: looks };
  if (peer.since !== null) return { ...rest, title: "guest_gone", word: "guest_word_not" };
  return { ...rest, title: late ? "guest_late" : "guest_not", word: "guest_word_not" };
}

// -- the call ---------------------------------------------------------------------------------------------------------------

/**
 * What is said in the other's place when there is no picture.
 * @param {import("./signal.js").Room} room
 * @param {import("./call.js").State} state
 * @param {import("./signal.js").Media} theirs
 * @returns {string} the words' name, "" for none
 */
export function instead({ peer, medium }, { link }, theirs) {
  if (!peer.here) return "peer_away";
  if (!peer.ready) return "peer_looking";
  if (link === "text") return medium === "text" ? "" : "peer_text";
  if (link === "reconnecting") return "";
  if (link !== "connected") return "peer_connecting";
  return theirs.mic || theirs.cam || theirs.screen ? "" : "peer_writing";
}

const STEPS = [5, 10, 15, 30]; // minutes

/**
 * What may be added, in minutes: at most three.
 * @param {number} most
 */
export function extensions(most) {
  const fit = STEPS.filter((one) => one <= most);
  return (fit.length ? fit : most > 0 ? [most] : []).slice(0, 3);
}

// -- after ------------------------------------------------------------------------------------------------------------------

/** @type {Record<string, How>} */
const OUTCOMES = { held: "held", rejected: "rejected", expired: "expired", cancelled: "cancelled", missed: "missed", declined: "declined", busy: "missed" };

/**
 * What the room's end was.
 * @param {Room} room
 * @returns {How}
 */
export const outcome = (room) => OUTCOMES[room.outcome] ?? "end";

/**
 * The words of an end: of its title, and of what is said to it.
 * @param {How} how
 * @param {boolean} customer
 * @param {number} lasted milliseconds; 0 when they have not talked, or nobody knows
 * @returns {{ title: string, word: string }}
 */
export function told(how, customer, lasted) {
  if (how === "held" || how === "end") return { title: how === "held" && customer ? "over_held" : "over_end", word: lasted ? "over_held_word" : "" };
  if (how === "rejected") return customer ? { title: "over_rejected", word: "over_rejected_word" } : { title: "over_rejected_own", word: "" };
  if (how === "expired") return { title: "over_expired", word: customer ? "over_expired_word" : "over_expired_own" };
  if (how === "declined") return { title: "over_declined", word: customer ? "over_missed_word" : "" };
  if (how === "missed" || how === "cancelled") return { title: `over_${how}`, word: customer ? `over_${how}_word` : "" };
  return { title: `over_${how}`, word: `over_${how}_word` };
}
