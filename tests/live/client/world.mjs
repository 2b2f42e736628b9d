// A world without browsers: time that a test moves, sockets to a server of its own, locks and channels between pages.

import { webcrypto } from "node:crypto";

import { Live } from "../../../static/shared/live.js";

globalThis.crypto ??= webcrypto; // before node 20

/** Let everything that is due happen, as far as it does without time passing. */
export async function settle() {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
}

export class World {
  now = 1_000_000_000;
  random = 0.5;
  timers = new Set();
  server = new Server(this);
  held = null; // the lock's: who leads
  queue = [];
  channels = new Set();

  later(act, ms) {
    const timer = { act, at: this.now + ms };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Time passes, in steps as small as timers need. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const [next] = [...this.timers].filter((one) => one.at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.now = Math.max(this.now, next.at);
      this.timers.delete(next);
      next.act();
    }
    this.now = end;
    await settle();
  }

  locks = {
    request: (name, { steal, signal }, act) =>
      new Promise((done, fail) => {
        const asked = { act, done, fail };
        if (steal) {
          const before = this.held;
          this.held = null;
          before?.fail(new Error("AbortError"));
          return void this.#grant(asked);
        }
        signal?.addEventListener("abort", () => {
          if (this.queue.includes(asked)) {
            this.queue.splice(this.queue.indexOf(asked), 1);
            fail(new Error("AbortError"));
          }
        });
        if (this.held) this.queue.push(asked);
        else this.#grant(asked);
      }),
  };

  #grant(asked) {
    this.held = asked;
    void Promise.resolve()
      .then(asked.act)
      .then((value) => {
        asked.done(value);
        if (this.held !== asked) return;
        this.held = null;
        const next = this.queue.shift();
        if (next) this.#grant(next);
      });
  }

  channel(name) {
    const one = {
      onmessage: null,
      postMessage: (message) => {
        const copy = JSON.stringify(message);
        for (const other of this.channels) {
          if (other !== one && other.name === name) queueMicrotask(() => other.onmessage?.({ data: JSON.parse(copy) }));
        }
      },
      close: () => this.channels.delete(one),
      name,
    };
    this.channels.add(one);
    return one;
  }
}

/** A browser: what its pages keep, over reloads. */
export class Browser {
  items = new Map();

  constructor(world, { by = "customer", locks = true } = {}) {
    this.world = world;
    this.by = by;
    this.locks = locks;
    this.passes = 0;
  }

  keeping() {
    return {
      all: async () => structuredClone([...this.items.values()]),
      put: async (item) => void this.items.set(item.id, structuredClone(item)),
      remove: async (id) => void this.items.delete(id),
    };
  }

  /** A page of it, begun. */
  async open({ visible = true } = {}) {
    const page = new Page(this, visible);
    await page.live.start();
    await settle();
    return page;
  }
}

/** A page and what it heard. */
export class Page {
  heard = [];

  constructor(browser, visible) {
    const { world } = browser;
    this.visible = visible;
    this.world = world;
    this.live = new Live({
      scope: "test",
      url: "ws://test/live",
      pass: async () => ({ token: `pass ${++browser.passes}`, by: browser.by }),
      doors: {
        socket: (url) => world.server.socket(url),
        now: () => world.now,
        later: (act, ms) => world.later(act, ms),
        random: () => world.random,
        locks: browser.locks ? world.locks : undefined,
        channel: browser.locks ? (name) => world.channel(name) : undefined,
        keeping: browser.keeping(),
        visible: () => this.visible,
        attach: (told) => {
          told.touched(this.visible);
          return () => undefined;
        },
      },
    });
    for (const name of ["event", "outbox", "caught", "reset", "unknown", "status", "typing", "presence", "place", "calls"]) {
      this.live.on(name, (value) => this.heard.push([name, value]));
    }
  }

  /** The texts of a conversation, as they read now. */
  texts(c) {
    return [...this.live.ledger(c).messages.values()].map((one) => one.text);
  }

  /** The values it heard under a name. */
  of(name) {
    return this.heard.filter(([one]) => one === name).map(([, value]) => value);
  }

  /** What its timer does, for so many seconds. */
  async ticks(seconds) {
    for (let left = seconds; left > 0; left -= 5) {
      await this.world.pass(5000);
      this.live.tick();
    }
    await settle();
  }
}

/** The server's side of the protocol, as docs/live-protocol.md has it. */
export class Server {
  epoch = "first";
  up = true;
  logs = new Map();
  sockets = [];
  received = []; // frames, in order
  losing = () => false; // which frames of ours do not arrive
  deaf = false; // takes frames and does nothing
  refusing = () => null; // why an item is not taken, "unreadable", or null

  constructor(world) {
    this.world = world;
  }

  log(c) {
    if (!this.logs.has(c)) this.logs.set(c, []);
    return this.logs.get(c);
  }

  socket(url) {
    const socket = {
      url,
      joined: new Set(),
      send: (message) => void queueMicrotask(() => this.#take(socket, JSON.parse(message))),
      close: () => this.#gone(socket),
    };
    this.sockets.push(socket);
    queueMicrotask(() => {
      if (this.up) socket.onopen?.();
      else this.end(socket, 1006);
    });
    return socket;
  }

  get open() {
    return this.sockets.filter((socket) => socket.welcomed);
  }

  end(socket, code) {
    this.#gone(socket);
    socket.onclose?.({ code });
  }

  #gone(socket) {
    socket.welcomed = false;
    this.sockets = this.sockets.filter((one) => one !== socket);
  }

  tell(socket, ...frames) {
    const arriving = frames.filter((frame) => !this.losing(frame));
    if (arriving.length) socket.onmessage?.({ data: JSON.stringify(arriving) });
  }

  #take(socket, frames) {
    this.received.push(...frames);
    if (this.deaf) return;
    for (const frame of frames) {
      if (frame.t === "hello") {
        socket.welcomed = true;
        this.tell(socket, { t: "welcome", v: 1, epoch: this.epoch, now: this.world.now, beat: 20, you: "customer" });
        const known = !frame.epoch || frame.epoch === this.epoch;
        for (const [c, seq] of Object.entries(frame.have ?? {})) this.#join(socket, c, known ? seq : 0);
      } else if (frame.t === "join" || frame.t === "fetch") this.#join(socket, frame.c, frame.after);
      else if (frame.t === "leave") socket.joined.delete(frame.c);
      else if (frame.t === "beat") {
        const heads = Object.fromEntries([...socket.joined].map((c) => [c, this.log(c).length]));
        this.tell(socket, { t: "beat", now: this.world.now, heads });
      } else if (frame.t === "send") this.#store(socket, frame);
    }
  }

  #join(socket, c, after) {
    if (c.startsWith("foreign")) return this.tell(socket, { t: "refused", c, id: "", code: "unknown" });
    socket.joined.add(c);
    for (const event of this.log(c).slice(after)) this.tell(socket, { t: "event", ...event });
    this.tell(socket, { t: "caught", c, seq: this.log(c).length });
  }

  #store(socket, { c, id, kind, body }) {
    const refused = this.refusing({ c, id, kind, body });
    if (refused === "unreadable") return this.end(socket, 4400);
    if (refused) return this.tell(socket, { t: "refused", c, id, ...refused });
    const before = this.log(c).find((event) => event.id === id && event.by === "customer");
    const event = before ?? this.append(c, { id, kind, body, by: "customer" }, socket);
    this.tell(socket, { t: "ack", c, id, seq: event.seq, at: event.at });
  }

  /** Somebody says something; everybody who has joined hears it, but for who said it. */
  append(c, { id = crypto.randomUUID(), kind = "text", body, by = "adviser:1" }, origin = null) {
    const event = { c, seq: this.log(c).length + 1, at: this.world.now, by, id, kind, body };
    this.log(c).push(event);
    for (const socket of this.open) if (socket !== origin && socket.joined.has(c)) this.tell(socket, { t: "event", ...event });
    return event;
  }

  say(c, text) {
    return this.append(c, { body: { text } });
  }

  sent(t) {
    return this.received.filter((frame) => frame.t === t);
  }
}
