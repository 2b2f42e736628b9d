// Who wants to hear what happens to something.

/** @template {Record<string, any>} Heard name -> what its listeners are given */
export class Listeners {
  /** @type {Map<keyof Heard, Set<(value: any) => void>>} */ #all = new Map();

  /**
   * @template {keyof Heard} K
   * @param {K} name
   * @param {(value: Heard[K]) => void} listener
   * @returns {() => void} stops listening
   */
  on(name, listener) {
    const all = this.#all.get(name) ?? new Set();
    this.#all.set(name, all.add(listener));
    return () => void all.delete(listener);
  }

  /**
   * @template {keyof Heard} K
   * @param {K} name
   * @param {Heard[K]} value
   */
  tell(name, value) {
    for (const listener of [...(this.#all.get(name) ?? [])]) listener(value);
  }
}
