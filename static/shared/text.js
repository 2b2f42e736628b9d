// What people typed, as nodes: text is text, and only an address that begins with http becomes a link.

const ADDRESS = /\bhttps?:\/\/[^\s<>"]+/g;
const TRAILING = /[.,;:!?'"»”’…]+$/;
const PICTOGRAMS = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u200d\ufe0f\s])+$/u;

/**
 * An element with text, or with others in it.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} content
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...content) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
}

/**
 * An icon of the page's own set: a `<symbol id="i-NAME">` in its HTML.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstElementChild?.setAttribute("href", `#i-${name}`);
  return svg;
}

/**
 * A sentence with its `{name}` places filled in.
 * @param {string | undefined} sentence
 * @param {Record<string, string | number>} values
 */
export function filled(sentence, values) {
  return (sentence ?? "").replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/**
 * A text with its addresses as links.
 * @param {string} text
 * @returns {(string | HTMLAnchorElement)[]}
 */
export function linked(text) {
  const parts = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = whole(found);
    if (!URL.canParse(address)) continue;
    const link = { href: address, target: "_blank", rel: "noopener noreferrer nofollow" };
    parts.push(text.slice(from, index), element("a", link, address));
    from = index + address.length;
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== "");
}

/** @param {string} found an address, and the end of the sentence it is in */
function whole(found) {
  let address = found.replace(TRAILING, "");
  while (address.endsWith(")") && address.split(")").length > address.split("(").length) {
    address = address.slice(0, -1).replace(TRAILING, "");
  }
  return address;
}

/**
 * Whether a text is a few pictograms and nothing else.
 * @param {string} text
 */
export const isPictogram = (text) => text.length <= 24 && PICTOGRAMS.test(text) && text.trim() !== "";

/**
 * A number of bytes: "340 kB", "2.1 MB".
 * @param {number} bytes
 */
export function sizeOf(bytes) {
  const [count, unit] = bytes < 1e6 ? [Math.max(1, Math.round(bytes / 1e3)), "kilobyte"] : [bytes / 1e6, "megabyte"];
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(count);
}
