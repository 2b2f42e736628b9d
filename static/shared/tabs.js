// One page of a browser leads and has the socket; the others live by what it tells them.

/**
 * @typedef {{ postMessage(message: any): void, onmessage: ((event: MessageEvent) => void) | null, close(): void }} Channel
 * @typedef {{
 *   locks: Pick<LockManager, "request"> | undefined,
 *   channel: ((name: string) => Channel) | undefined,
 *   now: () => number,
 * }} TabDoors
 * @typedef {{ lead: () => void, follow: () => void, heard: (message: any) => void }} TabEnds
 */

const SILENT = 12_000; // milliseconds without a word from the leader after which a page that is looked at takes over

export class Tabs {
  /** @type {Channel | null} */ #channel = null;
  /** @type {(() => void) | null} */ #release = null;
  /** @type {AbortController | null} */ #waiting = null;
  #heardAt = 0;
  leads = false;

  /**
   * @param {string} name what is shared
   * @param {TabEnds} ends
   * @param {TabDoors} doors
   */
  constructor(name, ends, doors) {
    this.name = `presence-live-${name}`;
    this.ends = ends;
    this.doors = doors;
    this.alone = !doors.locks || !doors.channel;
  }

  /** Take part. Without locks and channels every page leads itself. */
  start() {
    if (this.leads || this.#waiting) return;
    if (this.alone) return this.#lead();
    this.#heardAt = this.doors.now();
    try {
      this.#channel = this.doors.channel?.(this.name) ?? null;
    } catch {
      return this.#alone();
    }
    if (this.#channel) this.#channel.onmessage = (event) => this.#heard(event.data);
    this.ends.follow();
    this.#apply(false);
  }

  /** Leave it to the others. */
  stop() {
    this.leads = false;
    this.#waiting?.abort();
    this.#waiting = null;
    this.#release?.();
    this.#release = null;
    this.#channel?.close();
    this.#channel = null;
  }

  /** @param {any} message for every other page */
  tell(message) {
    this.#channel?.postMessage(message);
  }

  /**
   * Every few seconds. A leader shows that it is alive; a follower that is looked at replaces one that is not: browsers
   * put hidden pages to sleep, and their locks stay theirs.
   * @param {boolean} visible
   */
  tick(visible) {
    if (this.alone) return;
    if (this.leads) this.tell({ m: "alive" });
    else if (this.#waiting && visible && this.doors.now() - this.#heardAt > SILENT) {
      this.#heardAt = this.doors.now();
      this.#apply(true);
    }
  }

  /** @param {any} message */
  #heard(message) {
    if (message.m === "alive" || message.m === "lead" || message.m === "tell") this.#heardAt = this.doors.now();
    this.ends.heard(message);
  }

  /** @param {boolean} steal */
  #apply(steal) {
    this.#waiting?.abort();
    const waiting = (this.#waiting = new AbortController());
    const options = steal ? { steal } : { signal: waiting.signal };
    const held = this.doors.locks?.request(this.name, options, () => {
      if (waiting.signal.aborted) return undefined;
      this.#lead();
      return new Promise((done) => (this.#release = () => done(undefined)));
    });
    held?.catch((/** @type {unknown} */ error) => {
      if (this.#waiting !== waiting) return; // we stopped waiting
      if (!this.leads) {
        if (!(error instanceof DOMException && error.name === "AbortError")) this.#alone();
        return;
      }
      // Another page took it from us.
      this.leads = false;
      this.#release = null;
      this.ends.follow();
      this.#apply(false);
    });
  }

  /** The browser lets pages know nothing of each other: those of another site, where it keeps nothing for us. */
  #alone() {
    this.alone = true;
    this.stop();
    this.#lead();
  }

  #lead() {
    this.leads = true;
    this.ends.lead();
    this.tell({ m: "lead" });
  }
}
