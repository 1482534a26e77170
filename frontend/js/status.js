// States and priorities: always a word beside the colour.
import { SVG, el, icon } from "./dom.js";
import { t } from "./i18n.js";

export const NEW = 1, ASSIGNED = 2, PLANNED = 3, WAITING = 4, SOLVED = 5, CLOSED = 6;

export function stateWord(status) {
  switch (Number(status)) {
    case 1: return t("New");
    case 2: return t("In progress");
    case 3: return t("Planned");
    case 4: return t("Waiting");
    case 5: return t("Solved");
    case 6: return t("Closed");
    case 7: return t("Accepted");
    case 8: return t("Observed");
    case 9: return t("Evaluation");
    case 10: return t("Approval");
    case 11: return t("Test");
    case 12: return t("Qualification");
    case 13: return t("Refused");
    case 14: return t("Cancelled");
    default: return t("Unknown state");
  }
}

const TONES = { 1: "info", 2: "brand", 3: "brand", 4: "warn", 5: "ok", 6: "plain" };
export function stateChip(status, word = stateWord(status)) {
  return el("span", { class: `chip ${TONES[status] || "plain"}` }, word);
}

export function priorityWord(value) {
  return [t("Unknown"), t("Very low"), t("Low"), t("Medium"), t("High"), t("Very high"), t("Major")][value] || t("Unknown");
}

/** Five rising bars and the word. */
export function signal(value, withWord = true) {
  const level = Math.min(Math.max(Number(value) || 0, 0), 6);
  const lit = Math.min(level, 5);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 22 16");
  svg.setAttribute("aria-hidden", "true");
  for (let at = 0; at < 5; at += 1) {
    const bar = document.createElementNS(SVG, "rect");
    const height = 4 + at * 3;
    for (const [name, number] of Object.entries({ x: at * 4.5, y: 16 - height, width: 3, height, rx: 1 })) bar.setAttribute(name, number);
    if (at < lit) bar.setAttribute("class", "lit");
    svg.append(bar);
  }
  return el("span", { class: `signal s${lit}` }, svg, withWord ? el("span", {}, priorityWord(level)) : el("span", { class: "only-read" }, priorityWord(level)));
}

/** Where a ticket is: received, taken, (waiting for you), solved, closed. */
export function track(status, taken) {
  const names = [t("Received"), status === WAITING ? t("Waiting for you") : t("Somebody has it"), t("Solved"), t("Closed")];
  const at = status === CLOSED ? 3 : status === SOLVED ? 2 : status === NEW && !taken ? 0 : 1;
  return el("ol", { class: "track", "aria-label": t("Where your ticket is") }, names.map((name, step) => el("li", {
    class: step < at ? "done" : step === at ? "here" : "", "aria-current": step === at ? "step" : null,
  }, el("span", { class: "dot" }, step < at ? icon("check") : ""), name, step < at && el("span", { class: "only-read" }, ` (${t("done")})`))));
}
