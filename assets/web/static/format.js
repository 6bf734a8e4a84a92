// @ts-check
// Figures in words: sizes, rates, spans. Without the DOM, so that node tests it.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/**
 * Formats a number of bytes, as in `18.4 MiB`.
 * @param {number} bytes
 * @returns {string}
 */
export function size(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * Formats a time span, as in `2 min 5 s`.
 * @param {number} seconds
 * @returns {string}
 */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "unknown";
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * Formats a part of a whole in percent, rounded down, so that 100 % is all.
 * @param {number} part
 * @param {number} whole
 * @returns {string}
 */
export function percent(part, whole) {
  return `${whole === 0 ? 100 : Math.floor((part / whole) * 100)} %`;
}

/**
 * Formats an instant in the reader's own manner.
 * @param {number} millis milliseconds since 1970
 * @returns {string}
 */
export function instant(millis) {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }).format(new Date(millis));
}
