// Text that people type and GLPI gives back.

/** Text as HTML for GLPI: nothing of it is markup, lines stay lines. */
export function toHtml(text) {
  const safe = text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "").trim()
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
  return `<p>${safe.replace(/\n{2,}/g, "</p><p>").replace(/\n/g, "<br>")}</p>`;
}

const SIGNS = { "&#38;": "&", "&#60;": "<", "&#62;": ">" };

/** Decode what GLPI 10 encodes, exactly once: `&#38;#60;` is the text `&#60;`. */
export function decodeOnce(text) {
  return text.replace(/&#(?:38|60|62);/g, (sign) => SIGNS[sign]);
}

/** Encode as GLPI 10 does. */
export function encodeOnce(text) {
  return text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Decode every text in an answer. */
export function decodeDeep(value) {
  if (typeof value === "string") return decodeOnce(value);
  if (Array.isArray(value)) return value.map(decodeDeep);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, decodeDeep(one)]));
  }
  return value;
}

const NAMED = { amp: "&", lt: "<", gt: ">", quot: '"', "#039": "'", "#38": "&", "#60": "<", "#62": ">", nbsp: " " };

/** A sentence of GLPI as plain text: entities once, no tags; nothing where it speaks of its database. */
export function sentence(value) {
  if (typeof value !== "string" || /sql/i.test(value)) return "";
  return value.replace(/<[^>]*>/g, " ").replace(/&(#?\w+);/g, (all, name) => NAMED[name] ?? all).trim();
}

/** Cut to a number of code points. */
export function cut(text, most) {
  const points = Array.from(text);
  return points.length > most ? `${points.slice(0, most - 1).join("")}…` : text;
}

/** Text for comparing: no case, no accents. */
export function fold(text) {
  return String(text ?? "").normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Whether every word of a query is in a text. */
export function finds(text, query) {
  const where = fold(text);
  return fold(query).split(/\s+/).every((word) => where.includes(word));
}

/** An id as GLPI gives it, or 0: nothing else ever enters an address. */
export function toId(value) {
  const text = String(value ?? "");
  return /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : 0;
}

/** The first letters of a name, for its badge. */
export function initials(name) {
  return name.split(/[\s.]+/).filter(Boolean).slice(0, 2).map((word) => Array.from(word)[0].toUpperCase()).join("");
}

/** HTML as one line of plain text, for a preview; its markup is parsed by nobody. */
export function plain(html) {
  return String(html ?? "").replace(/<[^>]*>/g, " ").replace(/&(#?\w+);/g, (all, name) => NAMED[name] ?? all)
    .replace(/\s+/g, " ").trim();
}
