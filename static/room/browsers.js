// Which browser this is, as far as it changes where devices are allowed. Pure.

/** @typedef {"chrome" | "edge" | "firefox" | "safari" | "ios" | "android"} Browser */

/**
 * @param {string} agent the browser's name for itself
 * @param {number} touches points that can be touched at once: an iPad calls itself a Mac
 * @returns {Browser}
 */
export function browserOf(agent, touches) {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touches > 1)) return "ios";
  if (/Android/.test(agent)) return "android";
  if (/Firefox\//.test(agent)) return "firefox";
  if (/Edg\//.test(agent)) return "edge";
  if (/Safari\//.test(agent) && !/Chrom(e|ium)\//.test(agent)) return "safari";
  return "chrome";
}
