// Addresses after the #, and what is shown for them.
import { announce, el } from "./dom.js";
import { t } from "./i18n.js";
import { troubleBox } from "./trouble.js";

/** "#/tickets/5?x=1" as its parts and its query. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?");
  return { parts: path.split("/").filter(Boolean).map(safely), query: new URLSearchParams(query) };
}

function safely(part) { try { return decodeURIComponent(part); } catch { return part; } }

/** The address of parts and a query; empty values are left out. */
export function link(parts, query = {}) {
  const pairs = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined));
  const text = pairs.toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export function go(address) { location.hash = address; }

/** Match parts against patterns such as ["tickets", ":id"]; the values, or null. */
export function match(pattern, parts) {
  if (pattern.length !== parts.length) return null;
  const values = {};
  for (const [at, name] of pattern.entries()) {
    if (name.startsWith(":")) values[name.slice(1)] = parts[at];
    else if (name !== parts[at]) return null;
  }
  return values;
}

let leaving = null;
let siteName = "";
export function nameSite(name) { siteName = name; }

/** Everything a view needs: a signal that ends with it, and repeated work that ends with it too. */
function context(controller, again) {
  return {
    signal: controller.signal,
    again,
    every(ms, work) {
      const timer = setInterval(() => { if (!document.hidden) work(); }, ms);
      controller.signal.addEventListener("abort", () => clearInterval(timer));
    },
    listen(target, event, listener) { target.addEventListener(event, listener, { signal: controller.signal }); },
  };
}

export function setTitle(text) { document.title = text ? `${text} · ${siteName}` : siteName; }

/** Show a view: `make(context)` gives {title, root}; loading, trouble and retry are shown here. */
export async function show(make, { quiet = false } = {}) {
  leaving?.abort();
  const controller = new AbortController();
  leaving = controller;
  const main = document.getElementById("main");
  const wait = setTimeout(() => { if (!quiet) main.replaceChildren(skeleton()); }, 300);
  main.setAttribute("aria-busy", "true");
  let found;
  try {
    found = await make(context(controller, () => show(make, { quiet: true })));
  } catch (error) {
    if (controller.signal.aborted) return;
    found = { title: t("That did not work"), root: troubleBox(error, () => show(make)) };
  } finally { clearTimeout(wait); }
  if (controller.signal.aborted) return;
  main.removeAttribute("aria-busy");
  main.replaceChildren(found.root);
  setTitle(found.title);
  if (quiet) return;
  scrollTo(0, 0);
  const heading = found.focus || main.querySelector("h1");
  if (heading) {
    if (heading.tagName === "H1") heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
}

function skeleton() {
  announce(t("Loading"));
  return el("div", { class: "skeleton", role: "status" }, el("p", { class: "only-read" }, t("Loading")),
    ...[1, 2, 3, 4, 5].map(() => el("div", { class: "bone" })));
}

export function leave() { leaving?.abort(); }
