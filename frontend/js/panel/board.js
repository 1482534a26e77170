// The board: one live list, most urgent first; queues and counts are made here.
import { add, addMany, change, search, Trouble } from "../api.js";
import { ASSIGN, OWN, STEAL, current, may } from "../auth.js";
import { announce, el, icon, isTyping, kept, toast, view } from "../dom.js";
import { when } from "../conversation.js";
import { busy } from "../form.js";
import { nt, t } from "../i18n.js";
import { go, link } from "../route.js";
import { WAITING, signal, stateChip } from "../status.js";
import { finds, toId, toHtml } from "../text.js";
import { ago, asGlpi, instant } from "../time.js";
import { explain, troubleLine } from "../trouble.js";

const MOST = 500;
const FIELDS = [2, 1, 12, 3, 7, 15, 19, 14, 18, 9];
const OPEN = [12, "equals", "notold"];
let names = null;

/** People's names by id, asked for once. */
export async function people(signal_) {
  if (!names) {
    const found = await search("User", { fields: [2, 1, 34, 9], sort: 2, order: "ASC", count: 1000, signal: signal_ }).catch(() => ({ rows: [] }));
    names = new Map(found.rows.map((row) => [toId(row[2]), [row[9], row[34]].filter(Boolean).join(" ") || row[1]]));
  }
  return names;
}

/** Ids in the technician column: nothing, one, or several. */
export function holders(value) {
  return [value].flat().flatMap((one) => String(one ?? "").split(/\D+/)).map(toId).filter(Boolean);
}

/** Whether a row belongs to a queue. */
export function inQueue(queue, row, me) {
  switch (queue) {
    case "unassigned": return !holders(row[5]).length && !row.group;
    case "mine": return holders(row[5]).includes(me);
    case "monitoring": return fromMonitoring(row);
    case "waiting": return Number(row[12]) === WAITING;
    default: return true;
  }
}

export function fromMonitoring(row) { return ["monitoring", "zabbix"].includes(String(row[9] || "").toLowerCase()); }

/** Order: by priority, then what waits longest; or by the column asked for. */
export function compare(sort) {
  const urgent = (a, b) => Number(b[3]) - Number(a[3]) || String(a[15]).localeCompare(String(b[15])) || Number(a[2]) - Number(b[2]);
  if (sort === "new") return (a, b) => String(b[15]).localeCompare(String(a[15])) || urgent(a, b);
  if (sort === "changed") return (a, b) => String(b[19]).localeCompare(String(a[19])) || urgent(a, b);
  return urgent;
}

/** Repeats of one alarm (same title, from monitoring) folded under the first. */
export function folded(rows) {
  const first = new Map();
  const shown = [];
  for (const row of rows) {
    const key = fromMonitoring(row) ? String(row[1]) : "";
    const head = key && first.get(key);
    if (head) { head.more += 1; continue; }
    const entry = { row, more: 0 };
    if (key) first.set(key, entry);
    shown.push(entry);
  }
  return shown;
}

export const QUEUES = () => [["all", t("All")], ["unassigned", t("Unassigned")], ["mine", t("Mine")], ["monitoring", t("Monitoring")], ["waiting", t("Waiting")]];

export async function board(ctx, _values, query) {
  const queue = query.get("queue") || kept("queue") || "all";
  const sort = query.get("sort") || "urgent";
  const words = query.get("q") || "";
  const me = current().user.id;
  const rows = new Map();
  const selected = new Set();
  const elements = new Map();
  const unfolded = new Set();
  let total = 0, last = Date.now(), seen = Date.now();
  const { root, at } = view("board");

  async function technicians(range) {
    const found = await search("Ticket", { criteria: range, fields: [2, 5], count: MOST, signal: ctx.signal }).catch(() => ({ rows: [] }));
    for (const one of found.rows) { const row = rows.get(toId(one[2])); if (row) row[5] = one[5]; }
  }
  async function full() {
    const criteria = [OPEN, ...(words ? [[1, "contains", words]] : [])];
    const found = await search("Ticket", { criteria, fields: FIELDS, count: MOST, signal: ctx.signal });
    total = found.total;
    const old = new Map(rows);
    rows.clear();
    for (const one of found.rows) rows.set(toId(one[2]), { ...one, 5: old.get(toId(one[2]))?.[5] });
    await technicians(criteria);
    seen = Date.now();
  }
  async function delta() {
    const since = asGlpi(seen - 2000);
    const began = Date.now();
    const found = await search("Ticket", { criteria: [[19, "morethan", since]], fields: [...FIELDS, 5], count: MOST, signal: ctx.signal });
    seen = began;
    let changes = 0;
    for (const one of found.rows) {
      const id = toId(one[2]);
      const gone = Number(one[12]) > 4;
      const known = rows.get(id);
      if (gone ? known : !known || known[19] !== one[19]) changes += 1;
      if (gone) rows.delete(id);
      else if (!words || finds(one[1], words)) rows.set(id, one);
    }
    if (changes) { draw(); announce(nt("{n} ticket changed", "{n} tickets changed", changes)); }
    last = Date.now();
    at.age.textContent = t("Up to date");
  }

  function cells(entry) {
    const row = entry.row, id = toId(row[2]), due = instant(row[18]);
    const who = holders(row[5]).map((one) => names?.get(one) || `#${one}`).join(", ");
    return [
      el("td", {}, el("input", { type: "checkbox", checked: selected.has(id), "aria-label": t("Choose #{id}", { id }), onchange: (event) => { if (event.target.checked) selected.add(id); else selected.delete(id); bulk(); } })),
      el("td", {}, signal(row[3])),
      el("td", { class: "title" }, el("a", { href: link(["tickets", String(id)]), dir: "auto", "data-row": String(id) }, row[1] || t("(no title)")), entry.more ? el("button", { class: "button tiny", type: "button", onclick: () => { unfolded.add(String(row[1])); draw(); } }, nt("+{n} repeat", "+{n} repeats", entry.more)) : null,
        el("span", { class: "muted line" }, `#${id}`, row[7] ? ` · ${row[7]}` : "", fromMonitoring(row) ? [" · ", icon("pulse"), t("Monitoring")] : "")),
      el("td", {}, stateChip(row[12])),
      el("td", { dir: "auto" }, who ? t("{name} has it", { name: who }) : el("span", { class: "muted" }, t("Nobody yet"))),
      el("td", {}, when(row[15]), !Number.isNaN(due) && el("span", { class: due < Date.now() ? "fault line" : "muted line" }, due < Date.now() ? t("late since {ago}", { ago: ago(due) }) : t("due {ago}", { ago: ago(due) }))),
    ];
  }

  function draw() {
    const list = [...rows.values()];
    for (const one of at.queues.querySelectorAll("a")) one.querySelector(".count").textContent = String(list.filter((row) => inQueue(one.dataset.queue, row, me)).length);
    const mine = list.filter((row) => inQueue(queue, row, me)).sort(compare(sort));
    const entries = folded(mine).flatMap((entry) => (entry.more && unfolded.has(String(entry.row[1])) ? mine.filter((row) => row[1] === entry.row[1]).map((row) => ({ row, more: 0 })) : [entry]));
    const order = entries.map((entry) => {
      const id = toId(entry.row[2]);
      const print = JSON.stringify([entry, selected.has(id), Math.floor(Date.now() / 60_000)]);
      let one = elements.get(id);
      if (!one) { one = { node: el("tr", {}), print: "" }; elements.set(id, one); }
      if (one.print !== print) {
        const held = one.node.contains(document.activeElement) && (document.activeElement.tagName === "INPUT" ? "input" : "a[data-row]");
        one.node.replaceChildren(...cells(entry));
        one.print = print;
        if (held) one.node.querySelector(held)?.focus({ preventScroll: true });
      }
      return one.node;
    });
    const focus = document.activeElement;
    const same = order.length === at.rows.children.length && order.every((node, index) => at.rows.children[index] === node);
    if (!same) { at.rows.replaceChildren(...order); if (focus?.isConnected) focus.focus({ preventScroll: true }); }
    at.table.hidden = !order.length;
    at.empty.hidden = Boolean(order.length);
    at.note.textContent = total > MOST ? t("{n} tickets are open; the {most} changed last are shown. Search to see others.", { n: total, most: MOST }) : nt("{n} ticket", "{n} tickets", mine.length);
    bulk();
  }

  function bulk() {
    at.bulk.hidden = !selected.size;
    at.chosen.textContent = nt("{n} chosen", "{n} chosen", selected.size);
  }

  async function together(button, work) {
    await busy(button, async () => {
      const ids = [...selected];
      try {
        const results = await work(ids);
        const failed = results.flatMap((one, index) => (one.id ? [] : [[ids[index], one.said]]));
        selected.clear();
        for (const [id] of failed) selected.add(id);
        at.said.replaceChildren(...(failed.length ? [el("div", { class: "notice warn", role: "alert" }, el("p", {}, t("Not done for:")), el("ul", {}, failed.map(([id, why]) => el("li", {}, `#${id} `, why))))] : []));
        if (!failed.length) toast(t("Done."));
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        at.said.replaceChildren(troubleLine(error));
      }
      await full();
      draw();
    });
  }
  at.take.addEventListener("click", () => together(at.take, (ids) => addMany("Ticket_User", ids.map((id) => ({ tickets_id: id, users_id: me, type: 2 })))));
  at.solve.addEventListener("click", () => {
    at.solveForm.hidden = false;
    at.solveText.focus();
  });
  at.solveForm.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!at.solveText.value.trim()) return;
    together(at.solve, (ids) => addMany("ITILSolution", ids.map((id) => ({ itemtype: "Ticket", items_id: id, content: toHtml(at.solveText.value) })))).then(() => { at.solveForm.hidden = true; at.solveText.value = ""; });
  });
  at.take.hidden = !may("ticket", ASSIGN | STEAL | OWN);

  at.queues.replaceChildren(...QUEUES().map(([name, label]) => el("li", {}, el("a", { href: link(["board"], { queue: name, sort, q: words }), "data-queue": name, "aria-current": name === queue ? "true" : null }, label, el("span", { class: "count" }, "0")))));
  at.q.value = words;
  at.sort.value = sort;
  at.form.addEventListener("submit", (event) => { event.preventDefault(); go(link(["board"], { queue, sort, q: at.q.value.trim() })); });
  at.sort.addEventListener("change", () => go(link(["board"], { queue, sort: at.sort.value, q: words })));
  ctx.listen(document, "keydown", (event) => {
    if (kept("keys") === "off" || isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
    const links = [...at.rows.querySelectorAll("a[data-row]")];
    const here = links.indexOf(document.activeElement?.closest("tr")?.querySelector("a[data-row]"));
    if (event.key === "j") links[Math.min(here + 1, links.length - 1)]?.focus();
    else if (event.key === "k") links[Math.max(here - 1, 0)]?.focus();
    else if (event.key === "t" && here >= 0) { const id = Number(links[here].dataset.row); selected.clear(); selected.add(id); together(at.take, (ids) => addMany("Ticket_User", ids.map((one) => ({ tickets_id: one, users_id: me, type: 2 })))); }
    else if (event.key === "/") { event.preventDefault(); at.q.focus(); }
    else if (event.key === "?") keysDialog();
    else if (event.key === "n") go("#/new");
  });

  await Promise.all([full(), people(ctx.signal)]);
  draw();
  let quietSince = Date.now();
  ctx.listen(document, "pointermove", () => { quietSince = Date.now(); });
  ctx.listen(document, "keydown", () => { quietSince = Date.now(); });
  const lost = (error) => { if (!ctx.signal.aborted) at.age.textContent = `${explain(error)} ${t("This is from {ago}.", { ago: ago(last) })}`; };
  ctx.every(15_000, () => { if (Date.now() - quietSince < 300_000 || Date.now() - last > 58_000) delta().catch(lost); });
  ctx.every(300_000, () => full().then(draw).catch(lost));
  return { title: t("Board"), root };
}

export function keysDialog() {
  const keys = [["j / k", t("next / earlier ticket")], ["Enter", t("open it")], ["t", t("take it")], ["n", t("new ticket")], ["/", t("search")], ["?", t("this list")]];
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "keys-title" }, el("h2", { id: "keys-title" }, t("Keyboard shortcuts")),
    el("dl", { class: "keys" }, keys.flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)])), el("form", { method: "dialog" }, el("button", { class: "button primary" }, t("Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
