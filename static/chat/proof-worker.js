// A worker that looks for the number that makes the hash of a challenge begin with enough zero bits; presence/chat/proof.py checks it.

const ROUND = primes(64).map((prime) => fraction(Math.cbrt(prime)));
const START = primes(8).map((prime) => fraction(Math.sqrt(prime)));
const schedule = new Uint32Array(64);

/** @param {number} count */
function primes(count) {
  /** @type {number[]} */
  const found = [];
  for (let one = 2; found.length < count; one++) if (found.every((prime) => one % prime)) found.push(one);
  return found;
}

/** @param {number} real its fraction's first 32 bits */
function fraction(real) {
  return Math.floor((real - Math.floor(real)) * 2 ** 32);
}

/**
 * @param {number} word
 * @param {number} by
 */
const turn = (word, by) => (word >>> by) | (word << (32 - by));

/**
 * SHA-256 (FIPS 180-4). The browser's own is asynchronous, far slower for many short messages, and missing without https.
 * @param {Uint8Array} message
 * @returns {Uint32Array} eight words
 */
function sha256(message) {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 4, message.length * 8);
  const hash = new Uint32Array(START);
  for (let from = 0; from < bytes.length; from += 64) block(view, from, hash);
  return hash;
}

/**
 * @param {DataView} view
 * @param {number} from
 * @param {Uint32Array} hash
 */
function block(view, from, hash) {
  const w = /** @type {any} */ (schedule);
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(from + i * 4);
  for (let i = 16; i < 64; i++) {
    const early = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const late = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + early + w[i - 7] + late;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (hash[i] = (hash[i] ?? 0) + word));
}

onmessage = ({ data: { challenge, bits } }) => {
  const text = new TextEncoder();
  for (let nonce = 0; ; nonce++) {
    const first = sha256(text.encode(`${challenge}:${nonce}`))[0] ?? 0;
    if (bits === 0 || Math.clz32(first) >= bits) return postMessage(String(nonce));
  }
};
