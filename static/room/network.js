// Whether a call can be connected from here: what this browser can be reached by, asked of the servers that help.

/** @typedef {"good" | "direct" | "bad" | "none"} Reach direct: without a relay, which is enough almost everywhere but in companies */

const PATIENCE = 4_000; // milliseconds: a relay that is dead says nothing for eleven seconds

/**
 * @param {() => Promise<{ ice_servers: RTCIceServer[] }>} servers
 * @returns {Promise<Reach>}
 */
export async function reach(servers) {
  if (!navigator.onLine) return "none";
  if (!("RTCPeerConnection" in globalThis)) return "bad";
  const asked = await servers().catch(() => null);
  if (!asked) return navigator.onLine ? "direct" : "none";
  const found = await gathered(asked.ice_servers).catch(() => new Set());
  const relays = asked.ice_servers.some(({ urls }) => [urls].flat().some((one) => one.startsWith("turn")));
  if (found.has("relay") || (!relays && found.size)) return "good";
  return found.has("srflx") || found.has("host") ? (relays ? "direct" : "good") : "bad";
}

/**
 * The kinds of addresses that are found.
 * @param {RTCIceServer[]} iceServers
 * @returns {Promise<Set<string>>}
 */
async function gathered(iceServers) {
  /** @type {Set<string>} */
  const found = new Set();
  const peer = new RTCPeerConnection({ iceServers });
  try {
    await new Promise((done) => {
      setTimeout(done, PATIENCE);
      peer.onicecandidate = ({ candidate }) => {
        if (candidate?.type) found.add(candidate.type);
        if (!candidate || candidate.type === "relay") done(undefined);
      };
      peer.createDataChannel("check");
      peer.createOffer().then((offer) => peer.setLocalDescription(offer)).catch(done);
    });
  } finally {
    peer.close();
  }
  return found;
}
