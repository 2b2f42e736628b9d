// The work a browser does before its first message, while its reader still writes; typing never waits for it.

/**
 * @param {{ challenge: string, bits: number }} puzzle
 * @returns {Promise<{ challenge: string, nonce: string }>}
 */
export function prove({ challenge, bits }) {
  if (!bits) return Promise.resolve({ challenge, nonce: "" });
  return new Promise((done, fail) => {
    const worker = new Worker(new URL("./proof-worker.js", import.meta.url));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      done({ challenge, nonce: data });
    };
    worker.onerror = (event) => {
      worker.terminate();
      fail(new Error(event.message));
    };
    worker.postMessage({ challenge, bits });
  });
}

/** Keeps the answer to the latest challenge, and begins as soon as it is asked to. */
export class Proof {
  /** @type {{ challenge: string, answer: Promise<{ challenge: string, nonce: string }> } | null} */ #latest = null;

  /** @param {{ challenge: string, bits: number }} puzzle */
  of(puzzle) {
    if (this.#latest?.challenge !== puzzle.challenge) this.#latest = { challenge: puzzle.challenge, answer: prove(puzzle) };
    return this.#latest.answer;
  }
}
