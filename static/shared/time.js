// Time on the page: by the server's clock, whatever this machine's clock says.

/**
 * Call back with the seconds left until an element's instant, now and every second, until none is left.
 * @param {HTMLElement} place has `data-now`, the server's time when it answered
 * @param {number} until seconds since the epoch
 * @param {(left: number) => void} tell
 */
export function countDown(place, until, tell) {
  const behind = Date.now() / 1000 - Number(place.dataset.now) - performance.now() / 1000;
  const tick = () => {
    const left = Math.max(0, Math.round(until + behind - Date.now() / 1000));
    tell(left);
    if (!left) clearInterval(timer);
  };
  const timer = setInterval(tick, 1000);
  tick();
}

/**
 * A length of time in its two largest units: "2 days, 3 hours", as the server writes it.
 * @param {number} seconds
 */
export function inWords(seconds) {
  const minutes = Math.ceil(seconds / 60);
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts = days ? [[days, "day"], [hours, "hour"]] : [[hours, "hour"], [rest, "minute"]];
  return parts
    .filter(([count]) => count)
    .map(([count, unit]) => new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: String(unit), unitDisplay: "long" }).format(Number(count)))
    .join(", ");
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(name, options) {
  const made = formats.get(name) ?? new Intl.DateTimeFormat(document.documentElement.lang, options);
  formats.set(name, made);
  return made;
}

/**
 * The time of day, in this browser's zone: "14:02".
 * @param {number} at milliseconds
 */
export const clock = (at) => format("clock", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);

/**
 * The same on one day, another on the next.
 * @param {number} at milliseconds
 */
export const dayOf = (at) => new Date(at).toDateString();

/**
 * A day as people call it: "today", "tomorrow", "Friday 27 November", and with the year when it is another one.
 * @param {number} at milliseconds
 * @param {number} [now]
 */
export function dayName(at, now = Date.now()) {
  const apart = Math.round((new Date(at).setHours(12, 0, 0, 0) - new Date(now).setHours(12, 0, 0, 0)) / 86_400_000);
  if (Math.abs(apart) < 2) {
    return new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" }).format(apart, "day");
  }
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) {
    return format("day", { weekday: "long", day: "numeric", month: "long" }).format(at);
  }
  return format("year", { day: "numeric", month: "long", year: "numeric" }).format(at);
}

/**
 * A day and a time, short where it is today: "14:02", "tomorrow, 09:00".
 * @param {number} at milliseconds
 * @param {number} [now]
 */
export function moment(at, now = Date.now()) {
  return dayOf(at) === dayOf(now) ? clock(at) : `${dayName(at, now)}, ${clock(at)}`;
}
