// Names that nobody else gives: 128 bits of chance, in pages without https too, where there is no randomUUID.

/** @returns {string} */
export function freshId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
