// GLPI's dates have no zone: they are read with the offset found at sign-in.
import { language, t } from "./i18n.js";

const QUARTER = 15 * 60_000;

/** The server's offset from UTC in ms: its clock as it writes it, less the Date header; rounded to 15 minutes. */
export function serverOffset(written, httpDate) {
  const local = Date.parse(`${String(written).replace(" ", "T")}Z`);
  const utc = Date.parse(httpDate);
  if (Number.isNaN(local) || Number.isNaN(utc)) return -new Date().getTimezoneOffset() * 60_000;
  return Math.round((local - utc) / QUARTER) * QUARTER;
}

let offset = 0, skew = 0;
/** Keep the server's offset from UTC, and what the reader's clock lacks (ms). */
export function setClock(found) { offset = found.offset; skew = found.skew; }

/** How far the reader's clock is behind the server's: ms, 0 where it is under half a minute or unknown. */
export function clockSkew(httpDate, here = Date.now()) {
  const found = Date.parse(httpDate) - here;
  return Math.abs(found) > 30_000 ? found : 0;
}

/** The instant that it is at the server. */
export function now() { return Date.now() + skew; }

/** A date of GLPI as an instant (ms), or NaN. */
export function instant(written) {
  return written ? Date.parse(`${String(written).replace(" ", "T")}Z`) - offset : NaN;
}

/** An instant as GLPI writes it. */
export function asGlpi(ms) {
  return new Date(ms + offset).toISOString().slice(0, 19).replace("T", " ");
}

const STEPS = [["minute", 60], ["hour", 3600], ["day", 86400], ["month", 2629800], ["year", 31557600]];

/** "3 minutes ago"; a clock that is a little ahead is now. */
export function ago(ms, at = now()) {
  if (Number.isNaN(ms)) return "";
  const seconds = (ms - at) / 1000;
  if (Math.abs(seconds) < 45) return t("just now");
  const step = STEPS.findLastIndex(([, size]) => Math.abs(seconds) >= size * 0.75);
  const [unit, size] = STEPS[Math.max(step, 0)];
  return new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

/** The full date and time in the reader's zone. */
export function exact(ms) {
  if (Number.isNaN(ms)) return "";
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

/** A short length of time: "5 min", "3 h", "2 d". */
export function span(ms) {
  const minutes = Math.max(0, Math.round(ms / 60_000));
  if (minutes < 60) return unit(minutes, "minute");
  if (minutes < 48 * 60) return unit(Math.round(minutes / 60), "hour");
  return unit(Math.round(minutes / 1440), "day");
}

function unit(value, name) {
  return new Intl.NumberFormat(language(), { style: "unit", unit: name, unitDisplay: "short" }).format(value);
}

export function bytes(size) {
  const [value, name] = size < 1_000_000 ? [Math.max(1, Math.round(size / 1000)), "kilobyte"] : [size / 1_000_000, "megabyte"];
  return new Intl.NumberFormat(language(), { style: "unit", unit: name, maximumFractionDigits: 1 }).format(value);
}
