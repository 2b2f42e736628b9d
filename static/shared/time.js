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
