// What went wrong, in words for people; GLPI's own sentence only under "Details".
import { el, icon } from "./dom.js";
import { t } from "./i18n.js";

export function explain(error) {
  switch (error?.kind) {
    case "offline": return t("You are offline. What you typed is kept.");
    case "late": return t("GLPI took too long to answer.");
    case "away": return t("GLPI cannot be reached at the moment.");
    case "out": return t("You have been signed out.");
    case "forbidden": return t("You do not have the right to see or do this.");
    case "missing": return t("This does not exist, or no longer.");
    case "refused": return t("GLPI did not accept this.");
    case "large": return t("This is too large to be sent. The limit is 20 MB at once.");
    case "unknown": return t("We do not know if it arrived. Look before you send it again.");
    case "off": return t("GLPI does not take sign-ins from this site at the moment. Please tell your administrator.");
    case "address": return t("GLPI does not accept this site's address. Please tell your administrator.");
    case "said": return error.details;
    case "profile": return t("This account must be set up on GLPI's own page first (password or profile).");
    default: return t("Something went wrong in this page. Reload it.");
  }
}

export function details(error) {
  if (error?.kind === "said") return null;
  const text = error?.kind ? [error.details, error.code, error.status || ""].filter(Boolean).join(" · ") : error?.message;
  return text ? el("details", {}, el("summary", {}, t("Details")), el("p", { dir: "auto" }, text)) : null;
}

/** A whole page's trouble, with a way to try again. */
export function troubleBox(error, retry) {
  if (!error?.kind) console.error(error);
  const heading = error?.kind === "missing" ? t("Not found") : error?.kind === "forbidden" ? t("No access") : t("That did not work");
  return el("section", { class: "notice bad" }, el("h1", {}, icon("alert"), heading), el("p", {}, explain(error)), details(error),
    el("p", { class: "row" }, retry && el("button", { class: "button primary", onclick: retry }, t("Try again")),
      el("a", { class: "button quiet", href: "#/" }, t("Back to start"))));
}

/** Trouble inside a page: said at once. */
export function troubleLine(error) {
  if (!error?.kind) console.error(error);
  return el("div", { class: "notice bad", role: "alert" }, icon("alert"), el("div", {}, el("p", {}, explain(error)), details(error)));
}
