// What both sites share around a view: signing in, leaving, expiry, idleness, language and theme.
import { changeEntity, changeProfile, setSite, signIn, signOut } from "./api.js";
import { current, find, forget, isCentral, leaveEverywhere, onChange, touch, watchIdle } from "./auth.js";
import { el, icon, keep, kept, toast, view } from "./dom.js";
import { dropAllDrafts } from "./draft.js";
import { busy, fault, field } from "./form.js";
import { loadWords, t } from "./i18n.js";
import { go, leave, match, nameSite, parse, show } from "./route.js";
import { setClock } from "./time.js";
import { troubleLine } from "./trouble.js";

export const settings = JSON.parse(document.getElementById("settings").textContent);

/** A public file of the site (catalog, articles); null where it was not published. */
const published = {};
export function data(name) {
  published[name] ??= fetch(`/data/${name}.json`).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  return published[name];
}

function signInForm(after) {
  const { root, at } = view("sign-in");
  at.login.value = current()?.user.login || kept("login") || "";
  at.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const faults = [];
    if (!at.login.value.trim()) faults.push([at.login, t("Enter your user name.")]);
    if (!at.password.value) faults.push([at.password, t("Enter your password.")]);
    if (!fault(at.form, faults)) return null;
    at.said.replaceChildren();
    return busy(at.send, async () => {
      try {
        await signIn(at.login.value.trim(), at.password.value);
      } catch (error) {
        at.password.value = "";
        if (error.status === 401) fault(at.form, [[at.password, t("The user name or the password is not right.")]]);
        else {
          at.said.replaceChildren(troubleLine(error));
          if (error.kind === "profile" && settings.glpi) at.said.append(el("p", {}, el("a", { href: settings.glpi }, t("To GLPI's own page"))));
        }
        return;
      }
      keep("login", at.login.value.trim());
      after();
    });
  });
  return root;
}

let wanted = "";
export function signInView() {
  return { title: t("Sign in"), root: signInForm(() => { go(wanted || "#/"); wanted = ""; }) };
}

function expired() {
  if (document.getElementById("expired")) return;
  const dialog = el("dialog", { id: "expired", class: "ask", "aria-label": t("Sign in again") },
    el("p", { class: "notice warn" }, icon("alert"), t("You have been signed out after a while. What you typed is still here.")),
    signInForm(() => { dialog.close(); toast(t("You are signed in again.")); }));
  dialog.querySelector("h1").replaceWith(el("h2", {}, t("Sign in again")));
  dialog.addEventListener("close", () => { dialog.remove(); if (!current()) go("#/sign-in"); });
  document.body.append(dialog);
  dialog.showModal();
}

export async function leaveNow() {
  if (current()) dropAllDrafts(current().user.id);
  keep("login", null);
  await signOut();
  leaveEverywhere();
}

function bar() {
  const who = document.getElementById("who");
  const nav = document.getElementById("nav");
  nav.hidden = !current();
  who.replaceChildren(current() ? el("a", { href: "#/me", class: "me" }, icon("person"), el("span", { dir: "auto" }, current().user.name)) : "");
  for (const one of nav.querySelectorAll("a[data-right]")) {
    const [right, bits] = one.dataset.right.split(":");
    one.parentElement.hidden = !((current()?.rights[right] ?? 0) & Number(bits));
  }
}

function mark() {
  const [first_ = ""] = parse(location.hash).parts;
  const top = settings.site === "panel" && first_ === "tickets" ? "board" : first_;
  for (const one of document.querySelectorAll("#nav a")) {
    if (parse(one.getAttribute("href")).parts[0] === (top || undefined)) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

let table = [];
let first = "";
function render() {
  const { parts, query } = parse(location.hash);
  mark();
  if (!current() && parts[0] !== "sign-in") {
    wanted = location.hash;
    return go("#/sign-in");
  }
  if (settings.site === "panel" && current() && !isCentral()) return show(() => notHere());
  if (current() && parts[0] === "sign-in") return go("#/");
  if (!parts.length && first) return location.replace(first);
  for (const [pattern, make] of table) {
    const values = match(pattern, parts);
    if (values) return show((ctx) => make(ctx, values, query));
  }
  return show(() => { throw Object.assign(new Error("missing"), { kind: "missing" }); });
}

function notHere() {
  return { title: t("For technicians"), root: el("section", {}, el("h1", {}, t("This page is for technicians")),
    el("p", {}, t("Your profile works in the portal.")), el("p", {}, el("a", { class: "button primary", href: `/portal/${settings.language}/` }, t("To the portal")),
      " ", el("button", { class: "button quiet", onclick: leaveNow }, t("Sign out")))) };
}

/** The page about oneself: profile, entity, language, theme, shortcuts, leaving. */
export function meView() {
  const me = current();
  const theme = el("select", { id: "theme", onchange: () => setTheme(theme.value) },
    [["", t("As the device")], ["light", t("Light")], ["dark", t("Dark")]].map(([value, words]) => el("option", { value: value || "auto", selected: (kept("theme") || "auto") === (value || "auto") }, words)));
  const keys = el("input", { type: "checkbox", id: "keys", checked: kept("keys") !== "off", onchange: () => keep("keys", keys.checked ? null : "off") });
  const said = el("div", { class: "said" });
  const pick = (id, label, list, chosen, change) => list.length > 1 && field(label, el("select", { id, onchange: async (event) => {
    try { await change(Number(event.target.value)); toast(t("Changed.")); } catch (error) { said.replaceChildren(troubleLine(error)); }
  } }, list.map((one) => el("option", { value: String(one.id), selected: one.id === chosen }, one.name))));
  return { title: t("You"), root: el("section", { class: "narrow" }, el("h1", { dir: "auto" }, me.user.name),
    el("p", { class: "muted" }, `${me.user.login} · ${me.profile.name}`), said,
    pick("profile", t("Profile"), me.profiles, me.profile.id, changeProfile),
    pick("entity", t("Entity"), me.entities, me.entity.id, changeEntity),
    field(t("Appearance"), theme),
    el("div", { class: "field" }, el("p", { class: "label", id: "languages" }, t("Language")), el("ul", { class: "row wrap plain", "aria-labelledby": "languages" }, settings.languages.map(([code, name]) => el("li", {}, el("a", {
      class: "button quiet", href: `/${settings.site}/${code}/#/me`, lang: code, "aria-current": code === settings.language ? "true" : null, onclick: () => keep("language", code),
    }, name))))),
    settings.site === "panel" && el("p", {}, el("label", { class: "row" }, keys, t("Keyboard shortcuts (press ? on the board to see them)"))),
    el("p", { class: "row" }, me.interface === "central" && el("a", { class: "button quiet", href: settings.site === "panel" ? `/portal/${settings.language}/` : `/panel/${settings.language}/` }, settings.site === "panel" ? t("To the portal") : t("To the panel")),
      el("button", { class: "button quiet", onclick: leaveNow }, t("Sign out")))) };
}

export function setTheme(name) {
  const chosen = name === "auto" ? null : name;
  keep("theme", chosen);
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
}

function watch() {
  const idle = el("dialog", { class: "ask" }, el("h2", {}, t("Are you still there?")), el("p", {}, t("You will be signed out in less than two minutes.")),
    el("p", {}, el("button", { class: "button primary", onclick: () => { touch(); idle.close(); } }, t("Stay signed in"))));
  document.body.append(idle);
  watchIdle(settings.idleMinutes, (warn) => { if (warn && !idle.open) idle.showModal(); else if (!warn && idle.open) idle.close(); }, async () => {
    idle.close();
    await signOut();
    forget("expired");
  });
  const line = document.getElementById("offline");
  const online = () => { line.hidden = navigator.onLine; };
  addEventListener("online", online);
  addEventListener("offline", online);
  online();
}

/** Begin: words, session, routes. */
export async function begin(routes, homeAddress = "") {
  table = routes;
  first = homeAddress;
  setSite(settings.site);
  nameSite(settings.name);
  await loadWords(settings.language, settings.words);
  await find();
  if (current()) setClock(current());
  onChange((what) => {
    bar();
    if (what === "in") setClock(current());
    if (what === "expired") expired();
    if (what === "out") { leave(); document.getElementById("expired")?.close(); go("#/sign-in"); render(); }
  });
  bar();
  watch();
  document.getElementById("skip").addEventListener("click", (event) => { event.preventDefault(); document.querySelector("main h1")?.focus(); });
  addEventListener("hashchange", render);
  render();
}
