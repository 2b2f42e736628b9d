// What is still to be sent: kept in IndexedDB until it is acknowledged, in order for each conversation.
// Where there is no IndexedDB, or it may not be used, memory has to do.

/**
 * @typedef {{ c: string, id: string, kind: string, body: any, n: number, failed?: string }} Item
 *   `n` orders items; `failed` is the code of the refusal that cannot be undone by sending again
 * @typedef {{ all(): Promise<Item[]>, put(item: Item): Promise<void>, remove(id: string): Promise<void> }} Keeping
 */

const OLD = 7 * 86_400_000; // milliseconds after which what could not be sent is forgotten

/** Holds items in order, and writes them through to where they are kept. */
export class Outbox {
  /** @param {Keeping} keeping */
  constructor(keeping) {
    this.keeping = keeping;
    /** @type {Map<string, Item>} */
    this.items = new Map();
    this.last = 0;
  }

  /**
   * What an earlier page left behind.
   * @param {number} now
   */
  async load(now) {
    for (const item of await this.keeping.all().catch(() => [])) {
      if (item.n < now - OLD) void this.#quietly(this.keeping.remove(item.id));
      else if (!this.items.has(item.id)) this.items.set(item.id, item);
    }
  }

  /**
   * Keep one more.
   * @param {Omit<Item, "n">} item
   * @param {number} now
   * @returns {Item}
   */
  add(item, now) {
    this.last = Math.max(this.last + 1, now);
    const whole = { ...item, n: this.last };
    this.items.set(item.id, whole);
    void this.#quietly(this.keeping.put(whole));
    return whole;
  }

  /**
   * Know of one that another tab keeps.
   * @param {Item} item
   */
  know(item) {
    this.items.set(item.id, item);
  }

  /**
   * It has been stored, or is not to be sent any more.
   * @param {string} id
   * @returns {Item | undefined}
   */
  remove(id) {
    const item = this.items.get(id);
    if (item) {
      this.items.delete(id);
      void this.#quietly(this.keeping.remove(id));
    }
    return item;
  }

  /**
   * It was refused for good; or, without a code, it is to be tried again.
   * @param {string} id
   * @param {string} [code]
   */
  mark(id, code) {
    const item = this.items.get(id);
    if (!item) return;
    if (code) item.failed = code;
    else delete item.failed;
    void this.#quietly(this.keeping.put(item));
  }

  /**
   * A conversation's items, the oldest first.
   * @param {string} c
   */
  of(c) {
    return [...this.items.values()].filter((item) => item.c === c).sort((a, b) => a.n - b.n);
  }

  /** For each conversation, the item that is sent next. */
  next() {
    /** @type {Map<string, Item>} */
    const first = new Map();
    for (const item of this.items.values()) {
      const before = first.get(item.c);
      if (!item.failed && (!before || item.n < before.n)) first.set(item.c, item);
    }
    return [...first.values()];
  }

  /** @param {Promise<void>} work */
  async #quietly(work) {
    await work.catch(() => undefined); // memory has it still
  }
}

/** @returns {Keeping} nothing outlives the page */
export function inMemory() {
  return { all: async () => [], put: async () => undefined, remove: async () => undefined };
}

/**
 * A database of its own for each name. Where it cannot be opened, nothing outlives the page.
 * @param {string} name
 * @param {() => IDBFactory} factory
 * @returns {Keeping}
 */
export function inDatabase(name, factory = () => globalThis.indexedDB) {
  /** @type {Promise<IDBDatabase>} */
  const opened = new Promise((done, fail) => {
    const asked = factory().open(`presence-outbox-${name}`, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("items", { keyPath: "id" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => fail(asked.error);
    asked.onblocked = () => fail(new Error("blocked"));
  });
  opened.catch(() => undefined);
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} act
   * @returns {Promise<T>}
   */
  const within = async (mode, act) => {
    const transaction = (await opened).transaction("items", mode);
    const asked = act(transaction.objectStore("items"));
    return new Promise((done, fail) => {
      transaction.oncomplete = () => done(asked.result);
      transaction.onerror = transaction.onabort = () => fail(transaction.error);
    });
  };
  return {
    all: () => within("readonly", (store) => store.getAll()),
    put: async (item) => void (await within("readwrite", (store) => store.put(item))),
    remove: async (id) => void (await within("readwrite", (store) => store.delete(id))),
  };
}
