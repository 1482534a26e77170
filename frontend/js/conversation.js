// A ticket's conversation: what was said, by whom, with which files; and answering.
import { addFollowup, file, item, items, search, Trouble } from "./api.js";
import { current } from "./auth.js";
import { announce, el, icon, toast } from "./dom.js";
import { dropDraft, readDraft, saveDraft } from "./draft.js";
import { picker } from "./files.js";
import { busy, fault, field } from "./form.js";
import { t } from "./i18n.js";
import { initials, toHtml, toId } from "./text.js";
import { ago, exact, instant } from "./time.js";
import { troubleLine } from "./trouble.js";

let purifier = null;
/** The module that cleans HTML, loaded once. */
export function cleaner() {
  purifier ??= import("./html.js");
  return purifier;
}

export function when(written) {
  const at = instant(written);
  return el("time", { datetime: Number.isNaN(at) ? null : new Date(at).toISOString(), title: exact(at), "data-exact": exact(at) }, ago(at));
}

export function nameOf(row, key = "users_id") {
  return row._names?.[key] || (row[key] ? t("Somebody") : t("GLPI"));
}

const PICTURES = /^image\/(?:png|jpe?g|gif|webp|bmp|avif)$/;
const PAGE = 50;

/** A file as a button; pictures open here, all else is saved. */
export function fileButton(one, itemtype, itemsId, signal) {
  const name = one.filename || one.name || String(one.id);
  const button = el("button", { class: "button quiet file", type: "button" }, icon(PICTURES.test(one.mime || "") ? "image" : "clip"), el("span", { dir: "auto" }, name));
  const box = el("span", { class: "file-box" }, button);
  button.addEventListener("click", () => busy(button, async () => {
    try {
      const blob = await file(toId(one.id), itemtype, itemsId, signal);
      if (PICTURES.test(blob.type)) toggle(box, blob, name);
      else save(blob, name);
    } catch (error) { if (!signal?.aborted) box.append(troubleLine(error)); }
  }));
  return box;
}

function toggle(box, blob, name) {
  const there = box.querySelector("img");
  if (there) { there.remove(); return; }
  const address = URL.createObjectURL(blob);
  const picture = el("img", { src: address, alt: name });
  picture.addEventListener("load", () => URL.revokeObjectURL(address));
  box.append(picture);
}

function save(blob, name) {
  const address = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const anchor = el("a", { href: address, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A picture inside a text: fetched with the token, shown as a blob. */
function picture(itemtype, itemsId, signal) {
  return (docid, words) => {
    const place = el("span", { class: "picture" }, words || t("Picture"));
    file(docid, itemtype, itemsId, signal).then((blob) => {
      if (!PICTURES.test(blob.type)) return;
      const address = URL.createObjectURL(blob);
      const image = el("img", { src: address, alt: words || t("Picture") });
      image.addEventListener("load", () => URL.revokeObjectURL(address));
      place.replaceChildren(image);
    }).catch(() => { place.textContent = t("Picture (not available)"); });
    return place;
  };
}

/** All that was said, in order: {kind, id, at, who, name, html, isPrivate, status}. */
export function entries(ticket, followups, solutions, tasks = []) {
  const said = [
    { kind: "first", id: 0, at: ticket.date, who: ticket.users_id_recipient, name: nameOf(ticket, "users_id_recipient"), html: ticket.content },
    ...followups.map((row) => ({ kind: "followup", id: row.id, at: row.date || row.date_creation, who: row.users_id, name: nameOf(row), html: row.content, isPrivate: Boolean(row.is_private) })),
    ...solutions.map((row) => ({ kind: "solution", id: row.id, at: row.date_creation, who: row.users_id, name: nameOf(row), html: row.content, status: row.status })),
    ...tasks.map((row) => ({ kind: "task", id: row.id, at: row.date || row.date_creation, who: row.users_id, name: nameOf(row), html: row.content, isPrivate: Boolean(row.is_private), state: row.state })),
  ];
  return said.map((one, order) => ({ ...one, order })).sort((a, b) => String(a.at).localeCompare(String(b.at)) || a.order - b.order);
}

/** Give each entry the files that came with it (GLPI tells who and when); the rest come back. */
export function withFiles(said, documents) {
  const rest = [];
  for (const one of documents) {
    const at = instant(one.assocdate);
    const owner = said.findLast((entry) => Number(entry.who) === Number(one.users_id) && Math.abs(instant(entry.at) - at) <= 5000);
    if (owner) (owner.files ??= []).push(one);
    else rest.push(one);
  }
  return rest;
}

function label(entry) {
  if (entry.kind === "solution") return entry.status === 4 ? t("Solution, refused") : entry.status === 3 ? t("Solution, accepted") : t("Solution");
  if (entry.kind === "task") return entry.state === 2 ? t("Task, done") : t("Task");
  return entry.isPrivate ? t("Private note") : "";
}

/** One entry as an article. */
export function message(entry, clean, itemtype, itemsId, signal) {
  const mine = Number(entry.who) === Number(current()?.user.id);
  const words = label(entry);
  const body = el("div", { class: "said-text", dir: "auto" });
  body.append(clean(entry.html, picture(itemtype, itemsId, signal)));
  return el("article", { class: `message ${mine ? "mine" : "theirs"}${entry.isPrivate ? " private" : ""} ${entry.kind}${entry.status === 4 ? " refused" : ""}`, "data-id": `${entry.kind}-${entry.id}` },
    el("header", {}, el("span", { class: "badge", "aria-hidden": "true" }, initials(entry.name) || "·"),
      el("strong", { dir: "auto" }, mine ? t("You") : entry.name),
      words && el("span", { class: `chip ${entry.isPrivate ? "warn" : entry.kind === "solution" && entry.status !== 4 ? "ok" : "plain"}` }, entry.isPrivate && icon("lock"), words),
      when(entry.at)), body,
    entry.files?.length ? el("div", { class: "row wrap" }, entry.files.map((one) => fileButton(one, itemtype, itemsId, signal))) : null);
}

/** The conversation, the newest 50 first shown; older ones by a button. */
export function conversation(said, clean, itemtype, itemsId, signal) {
  const list = el("div", { class: "conversation" });
  let hidden = Math.max(0, said.length - PAGE);
  const older = el("button", { class: "button quiet", type: "button" });
  function draw() {
    older.textContent = t("Show {n} earlier messages", { n: hidden });
    older.hidden = hidden === 0;
  }
  older.addEventListener("click", () => {
    const from = Math.max(0, hidden - PAGE);
    older.after(...said.slice(from, hidden).map((one) => message(one, clean, itemtype, itemsId, signal)));
    hidden = from;
    draw();
  });
  draw();
  list.append(older, ...said.slice(hidden).map((one) => message(one, clean, itemtype, itemsId, signal)));
  return list;
}

/** Files that GLPI did not take: those we sent and do not find. */
export async function missingFiles(itemtype, id, names, before) {
  const again = await item(`${itemtype}/${id}`, { with_documents: "true" });
  const there = (again._documents || []).slice(before).map((one) => one.filename);
  return names.filter((name) => !there.includes(name));
}

/** After a new ticket without an answer: its number, 0 where it is not there. `sent` is when it was sent. */
export async function newest(title, sent) {
  const found = await search("Ticket", { criteria: [[4, "equals", current().user.id]], fields: [2, 1, 15], sort: 2, count: 5 }).catch(() => ({ rows: [] }));
  const one = found.rows.find((each) => each[1] === title && instant(each[15]) > sent - 120_000);
  return one ? toId(one[2]) : 0;
}

/** What `send` of a composer is for a followup: it writes, and tells after an unclear answer whether the text is there. */
export function followup(itemtype, itemsId, known, input = {}) {
  const before = new Set(known.map((row) => row.id));
  return {
    write: (content, files) => addFollowup({ itemtype, items_id: itemsId, content, ...input }, files),
    arrived: async () => (await items(`${itemtype}/${itemsId}/ITILFollowup`)).some((row) => row.users_id === current().user.id && !before.has(row.id)),
  };
}

/**
 * A form to write with: text, files, a draft that is kept until GLPI has it. `send` is {write(html, files), arrived()};
 * `afterwards({lost})` rereads and shows. `limits` is there where files may go with it.
 */
export function composer({ place, heading, button, itemtype = "Ticket", itemsId, send, limits, before = 0, afterwards, required = "", quiet = false }) {
  const user = current().user.id;
  const kept = readDraft(user, place);
  const text = el("textarea", { id: `text-${place}`, rows: 4, dir: "auto" });
  text.value = kept?.text || "";
  const form = el("form", { class: "composer", novalidate: true });
  const chosen = limits ? picker(limits, form) : null;
  const submit = el("button", { class: `button ${quiet ? "quiet" : "primary"}` }, button);
  const said = el("div", { class: "said" });
  form.append(field(heading, text), chosen?.root ?? "", said, el("p", { class: "row" }, submit, el("span", { class: "hint draft-note" }, kept?.text ? t("A draft was kept.") : "")));
  text.addEventListener("input", () => saveDraft(user, place, { text: text.value }));
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const names = chosen ? chosen.files().map((one) => one.name) : [];
    if (!text.value.trim() && (required || !names.length)) return fault(form, [[text, required || t("Please write something first.")]]);
    fault(form, []);
    return busy(submit, async () => {
      said.replaceChildren();
      try {
        await send.write(text.value.trim() ? toHtml(text.value) : `<p>${t("Files")}</p>`, chosen ? chosen.files() : []);
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        const there = error.kind === "unknown" && await send.arrived().catch(() => false);
        if (!there) { said.replaceChildren(troubleLine(error)); return; }
      }
      dropDraft(user, place);
      text.value = "";
      const lost = names.length ? await missingFiles(itemtype, itemsId, names, before).catch(() => []) : [];
      chosen?.clear();
      await afterwards({ lost });
      if (lost.length) announce(t("GLPI did not take: {names}", { names: lost.join(", ") }));
      else toast(t("Sent."));
    });
  });
  return form;
}
