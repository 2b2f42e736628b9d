// A conversation as this browser knows it: its events in order, without a gap, each once. Pure.

/**
 * @typedef {{ c: string, seq: number, at: number, by: string, id: string, kind: string, body: any }} LiveEvent
 *   `at` in milliseconds; `by` is "customer", "adviser:<id>" or "system"
 * @typedef {"sent" | "delivered" | "seen"} Reached how far a stored message of one's own has come
 * @typedef {LiveEvent & { text: string, edited: boolean, withdrawn: boolean }} Message as it reads now
 */

const SPOKEN = new Set(["text", "file", "note"]);
const UNANSWERED = new Set(["missed", "declined", "busy"]);

/** @param {string} by */
const side = (by) => (by === "customer" ? "customer" : "adviser");

/**
 * Whether an event is a message to `me`: what somebody else has said, or a call of theirs that nobody answered.
 * @param {LiveEvent} event
 * @param {string} me one's own `by`
 */
export function isHeard({ by, kind, body }, me) {
  if (kind === "call") return UNANSWERED.has(body.what) && side(body.by) !== side(me);
  if (kind === "callback") return side(me) === "adviser";
  return SPOKEN.has(kind) && by !== me;
}

export class Ledger {
  constructor() {
    /** @type {LiveEvent[]} */
    this.events = [];
    /** Everything up to its last event has been sent to us since we joined. */
    this.caught = false;
    /** @type {Map<number, LiveEvent>} what came before what is missing */
    this.ahead = new Map();
    /** @type {Map<number, Message>} */
    this.messages = new Map();
    this.marks = { customer: { got: 0, seen: 0 }, adviser: { got: 0, seen: 0 } };
  }

  /** The last seq up to which nothing is missing. */
  get cursor() {
    return this.events.length;
  }

  /** Whether something is missing before what we have. */
  get gap() {
    return this.ahead.size > 0;
  }

  /**
   * Take an event, whenever it comes and however often.
   * @param {LiveEvent} event
   * @returns {LiveEvent[]} the events that are now known to be next, in order
   */
  take(event) {
    if (event.seq <= this.cursor) return [];
    this.ahead.set(event.seq, event);
    const fresh = [];
    for (let next; (next = this.ahead.get(this.cursor + 1)); ) {
      this.ahead.delete(next.seq);
      this.events.push(next);
      this.#apply(next);
      fresh.push(next);
    }
    return fresh;
  }

  /** @param {LiveEvent} event */
  #apply(event) {
    if (SPOKEN.has(event.kind)) {
      this.messages.set(event.seq, { ...event, text: event.body.text ?? "", edited: false, withdrawn: false });
    } else if (event.kind === "got" || event.kind === "seen") {
      const mark = this.marks[side(event.by)];
      mark[event.kind] = Math.max(mark[event.kind], event.body.seq);
    } else if (event.kind === "edit" || event.kind === "withdraw") {
      const message = this.messages.get(event.body.seq);
      if (!message) return;
      if (event.kind === "edit") Object.assign(message, { text: event.body.text, edited: true });
      else Object.assign(message, { text: "", body: {}, withdrawn: true });
    }
  }

  /**
   * How far a message has come with the other side; it never goes back.
   * @param {LiveEvent} message
   * @returns {Reached}
   */
  reached(message) {
    const marks = this.marks[side(message.by) === "customer" ? "adviser" : "customer"];
    if (message.seq <= marks.seen) return "seen";
    return message.seq <= marks.got ? "delivered" : "sent";
  }

  /**
   * The last message of somebody else's, which `me` may mark as got or seen.
   * @param {string} me one's own `by`
   */
  lastHeard(me) {
    for (let seq = this.cursor; seq > 0; seq--) {
      const event = this.events[seq - 1];
      if (event && isHeard(event, me)) return seq;
    }
    return 0;
  }

  /**
   * Whether a mark of one's own would say anything new.
   * @param {string} me
   * @param {"got" | "seen"} kind
   * @param {number} seq
   */
  marksMore(me, kind, seq) {
    const { got, seen } = this.marks[side(me)];
    return seq > (kind === "seen" ? seen : Math.max(got, seen));
  }
}
