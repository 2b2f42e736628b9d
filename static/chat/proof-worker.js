// A worker that looks for the number that makes the hash of a challenge begin with enough zero bits; presence/chat/proof.py checks it.

import { sha256 } from "./sha256.js";

onmessage = ({ data: { challenge, bits } }) => {
  const text = new TextEncoder();
  for (let nonce = 0; ; nonce++) {
    const first = sha256(text.encode(`${challenge}:${nonce}`))[0] ?? 0;
    if (bits === 0 || Math.clz32(first) >= bits) return postMessage(String(nonce));
  }
};
