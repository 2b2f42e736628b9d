// How good the connection is, from what the browser counts; and whether it bears pictures. Pure: time is an argument.

/**
 * @typedef {import("./peer.js").Kind} Kind
 * @typedef {{ at: number, sent: number, received: number, lost: number, got: number, decoded: number }} Counts since the connection began, `at` in milliseconds
 * @typedef {{
 *   rtt: number | null, loss: number | null, jitter: number | null, up: number, down: number, room: number | null,
 *   frames: number | null, relayed: boolean | null, pictured: boolean, heard: boolean,
 * }} Sample
 *   rtt and jitter in milliseconds; loss a share of 1, of the worse direction; up and down in bits a second; room: what could be sent, bits a second;
 *   frames of their camera a second; pictured, heard: something of theirs has been decoded
 */

/** @type {Counts} */ export const NOTHING = { at: 0, sent: 0, received: 0, lost: 0, got: 0, decoded: 0 };

// At or below these a connection has the level 3, 2, 1; above, 0.
const RTT = [200, 400, 800];
const LOSS = [0.02, 0.05, 0.12];
const JITTER = [40, 80, 160];
const FEW = [14, 7]; // frames a second: fewer look poor, but may be the fault of a slow machine, for which nobody loses the picture
const NARROW = 120_000; // bits a second: no room for pictures

/**
 * @param {any[]} stats of RTCPeerConnection.getStats
 * @param {Counts} before
 * @param {number} now
 * @param {Map<string, Kind>} mids
 * @returns {{ counts: Counts, sample: Sample }}
 */
export function measure(stats, before, now, mids) {
  const inbound = stats.filter(({ type }) => type === "inbound-rtp");
  const reported = stats.filter(({ type }) => type === "remote-inbound-rtp");
  const pair = selected(stats);
  const camera = inbound.find(({ kind, mid }) => kind === "video" && mids.get(mid) !== "screen");
  const counts = {
    at: now,
    sent: pair?.bytesSent ?? 0,
    received: pair?.bytesReceived ?? 0,
    lost: sum(inbound, "packetsLost"),
    got: sum(inbound, "packetsReceived"),
    decoded: camera?.framesDecoded ?? 0,
  };
  const seconds = (now - before.at) / 1000;
  const [lost, got] = [Math.max(0, counts.lost - before.lost), counts.got - before.got];
  const losses = reported.flatMap(({ fractionLost }) => fractionLost ?? []);
  if (lost + got > 0) losses.push(lost / (lost + got));
  const delay = pair?.currentRoundTripTime ?? most(reported, "roundTripTime");
  const jitter = most(inbound.filter(({ kind }) => kind === "audio"), "jitter");
  const rate = (/** @type {"sent" | "received"} */ name) =>
    seconds > 0 ? Math.max(0, Math.round(((counts[name] - before[name]) * 8) / seconds)) : 0;
  const sample = {
    rtt: delay === null ? null : Math.round(delay * 1000),
    loss: losses.length ? Math.max(...losses) : null,
    jitter: jitter === null ? null : Math.round(jitter * 1000),
    up: rate("sent"),
    down: rate("received"),
    room: pair?.availableOutgoingBitrate ?? null,
    frames: camera && seconds > 0 ? Math.max(0, (counts.decoded - before.decoded) / seconds) : null,
    relayed: pair ? [pair.localCandidateId, pair.remoteCandidateId].some((id) => relays(stats, id)) : null,
    pictured: inbound.some(({ framesDecoded }) => framesDecoded > 0),
    heard: inbound.some(({ kind, packetsReceived, jitterBufferEmittedCount = 1 }) =>
      kind === "audio" && packetsReceived > 0 && jitterBufferEmittedCount > 0),
  };
  return { counts, sample };
}

/**
 * From 0, bad, to 3, good.
 * @param {Sample} sample
 * @param {{ sends: boolean, sees: boolean }} pictures whether some are sent, and expected
 * @returns {0 | 1 | 2 | 3}
 */
export function level({ rtt, loss, jitter, room, frames }, { sends, sees }) {
  const grade = (/** @type {number | null} */ value, /** @type {number[]} */ bounds) =>
    value === null ? 3 : 3 - bounds.filter((bound) => value > bound).length;
  const all = [grade(rtt, RTT), grade(loss, LOSS), grade(jitter, JITTER)];
  if (sends && room !== null && room < NARROW) all.push(0);
  if (sees && frames !== null) all.push(3 - FEW.filter((bound) => frames < bound).length);
  return /** @type {0 | 1 | 2 | 3} */ (Math.max(0, Math.min(...all)));
}

const POOR = 10_000; // milliseconds at level 0, and pictures are given up
const GOOD = 15_000; // at level 2 or 3, and they come back
const LONGEST = 120_000; // when they had to be given up again and again
const SOON = 60_000; // given up again so soon: they came back too early
const INSISTED = 60_000; // who wants pictures by hand has them for so long, however poor

/** Whether there are pictures, and who has turned them off. */
export class Pictures {
  on = true;
  /** @type {"" | "hand" | "link" | "ladder"} */ by = "";
  /** @type {number | null} */ #since = null; // it is poor, or good, without a break
  #need = GOOD;
  #backAt = -Infinity;
  #insistedAt = -Infinity;

  /**
   * @param {0 | 1 | 2 | 3} level
   * @param {number} now milliseconds
   * @returns {boolean} whether something has changed
   */
  step(level, now) {
    if (this.by === "hand") return false;
    const counts = this.on ? level === 0 && now - this.#insistedAt >= INSISTED : level >= 2;
    this.#since = counts ? (this.#since ?? now) : null;
    if (this.#since === null || now - this.#since < (this.on ? POOR : this.#need)) return false;
    if (this.on) this.drop("link", now);
    else {
      this.#turn(true, "");
      this.#backAt = now;
    }
    return true;
  }

  /**
   * The connection does not bear them.
   * @param {"link" | "ladder"} by
   * @param {number} now
   */
  drop(by, now) {
    if (!this.on) return;
    this.#need = now - this.#backAt < SOON ? Math.min(LONGEST, this.#need * 2) : GOOD;
    this.#turn(false, by);
  }

  /**
   * Somebody has decided.
   * @param {boolean} on
   * @param {number} now
   */
  choose(on, now) {
    if (on) this.#insistedAt = now;
    this.#turn(on, on ? "" : "hand");
  }

  /**
   * @param {boolean} on
   * @param {"" | "hand" | "link" | "ladder"} by
   */
  #turn(on, by) {
    this.on = on;
    this.by = by;
    this.#since = null;
  }
}

/** @param {any[]} stats the pair of candidates in use, if there is one */
function selected(stats) {
  const id = stats.find(({ type, selectedCandidatePairId }) => type === "transport" && selectedCandidatePairId)?.selectedCandidatePairId;
  const pairs = stats.filter(({ type }) => type === "candidate-pair");
  return pairs.find((pair) => (id ? pair.id === id : pair.selected || (pair.nominated && pair.state === "succeeded")));
}

/** @param {any[]} stats @param {string} id */
const relays = (stats, id) => stats.some((one) => one.id === id && one.candidateType === "relay");

/** @param {any[]} all @param {string} field */
const sum = (all, field) => all.reduce((total, one) => total + (one[field] ?? 0), 0);

/** @param {any[]} all @param {string} field @returns {number | null} */
const most = (all, field) => all.reduce((top, one) => (one[field] === undefined ? top : Math.max(top ?? 0, one[field])), null);
