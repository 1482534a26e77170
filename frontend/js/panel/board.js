// The board: one live list, most urgent first; queues and counts are made here.
import { addMany, items, removeMany, search, Trouble } from "../api.js";
import { ASSIGN, OWN, STEAL, current, may, personName } from "../auth.js";
import { announce, el, icon, isTyping, kept, toast, view } from "../dom.js";
import { when } from "../conversation.js";
import { busy } from "../form.js";
import { nt, t } from "../i18n.js";
import { go, link } from "../route.js";
import { WAITING, priorityWord, signal, stateChip } from "../status.js";
import { finds, toId, toHtml } from "../text.js";
import { ago, asGlpi, instant, now } from "../time.js";
import { explain, troubleLine } from "../trouble.js";

const MOST = 500;
const FIELDS = [2, 1, 12, 3, 7, 15, 19, 14, 18, 9];
const HOLDERS = [5, 8];
const OPEN = [12, "equals", "notold"];
let names = null;

let asking = null;
/** People's names by id, asked for once, whoever asks first; where that fails nobody has a name until the next time. */
export async function people() {
  asking ??= search("User", { fields: [2, 1, 34, 9], sort: 2, order: "ASC", count: 1000 })
    .then((found) => { names = new Map(found.rows.map((row) => [toId(row[2]), personName(row[34], row[9]) || row[1]])); return names; });
  try { return await asking; } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    asking = null;
    return new Map();
  }
}

/** Ids in the technician column: nothing, one, or several. */
export function holders(value) {
  return [value].flat().flatMap((one) => String(one ?? "").split(/\D+/)).map(toId).filter(Boolean);
}

/** Whether a row belongs to a queue. */
export function inQueue(queue, row, me) {
  switch (queue) {
    case "unassigned": return row[5] !== undefined && !holders(row[5]).length && ![row[8]].flat().filter(Boolean).length;
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

/**
 * Give back many tickets: what links me to each is read, then all of it taken away with one call. For each, in order,
 * {id, said}: 0 and why where it was not mine or GLPI did not do it.
 */
export async function giveBack(ids, me, { read = items, take = removeMany } = {}) {
  const links = await Promise.all(ids.map((id) => read(`Ticket/${id}/Ticket_User`).then(
    (rows) => ({ id: toId(rows.find((row) => row.type === 2 && row.users_id === me)?.id), said: t("You do not have it.") }),
    (error) => { if (!(error instanceof Trouble)) throw error; return { id: 0, said: explain(error) }; })));
  const mine = links.filter((one) => one.id);
  const done = mine.length ? await take("Ticket_User", mine.map((one) => one.id)) : [];
  return links.map((one) => (one.id ? done[mine.indexOf(one)] : one));
}

export const QUEUES = () => [["all", t("All")], ["unassigned", t("Unassigned")], ["mine", t("Mine")], ["monitoring", t("Monitoring")], ["waiting", t("Waiting")]];

// -- the open tickets, kept while the page is open: the board and the list beside a ticket show the same --
const store = { rows: new Map(), words: null, total: 0, last: 0, seen: 0 };

/** Read all open tickets; who has them follows in a second call, as that is what costs on a big board. */
async function readAll(words, signal_, shown = () => {}) {
  const criteria = [OPEN, ...(words ? [[1, "contains", words]] : [])];
  const found = await search("Ticket", { criteria, fields: FIELDS, count: MOST, signal: signal_ });
  const old = store.rows;
  store.rows = new Map(found.rows.map((row) => [toId(row[2]), { ...row, 5: old.get(toId(row[2]))?.[5], 8: old.get(toId(row[2]))?.[8] }]));
  Object.assign(store, { words, total: found.total, seen: newestOf(found.rows, found.rows.length ? 0 : now() - 60_000), last: now() });
  shown();
  const held = await search("Ticket", { criteria, fields: [2, ...HOLDERS], count: MOST, signal: signal_ }).catch(() => ({ rows: [] }));
  for (const one of held.rows) Object.assign(store.rows.get(toId(one[2])) || {}, { 5: one[5] ?? null, 8: one[8] ?? null });
}

/** When the last of these rows was changed, by GLPI's own clock. */
const newestOf = (rows, least) => Math.max(least, ...rows.map((row) => instant(row[19])).filter((at) => !Number.isNaN(at)));

/** Read what has changed since; how many rows are others now. */
async function readChanges(signal_) {
  const found = await search("Ticket", { criteria: [[19, "morethan", asGlpi(store.seen - 2000)]], fields: [...FIELDS, ...HOLDERS], count: MOST, signal: signal_ });
  let changes = 0;
  for (const one of found.rows) {
    const id = toId(one[2]);
    const known = store.rows.get(id);
    const gone = Number(one[12]) > WAITING;
    if (gone ? known : !known || known[19] !== one[19]) changes += 1;
    if (gone) store.rows.delete(id);
    else if (!store.words || finds(one[1], store.words)) store.rows.set(id, one);
  }
  Object.assign(store, { seen: newestOf(found.rows, store.seen), last: now() });
  return changes;
}

/** Read now and then, `shown` after each time; quieter where nobody touches the page. */
function live(ctx, words, shown, failed) {
  let touched = Date.now();
  for (const event of ["pointermove", "keydown"]) ctx.listen(document, event, () => { touched = Date.now(); });
  const tell = (changes) => { if (changes) announce(nt("{n} ticket changed", "{n} tickets changed", changes)); shown(); };
  ctx.every(15_000, () => { if (Date.now() - touched < 300_000 || now() - store.last > 58_000) readChanges(ctx.signal).then(tell).catch(failed); });
  ctx.every(300_000, () => readAll(words, ctx.signal).then(shown).catch(failed));
}

/** Who has a row's ticket, in words. */
function whoHas(row) {
  const who = [...holders(row[5]).map((one) => names?.get(one) || `#${one}`), row[8]].flat().filter(Boolean).join(", ");
  if (who) return t("{name} has it", { name: who });
  return row[5] === undefined ? "…" : t("Nobody yet");
}

const chosenQueue = (query) => ({ queue: query.get("queue") || "all", sort: query.get("sort") || "urgent", q: query.get("q") || "", area: query.get("area") || "", level: query.get("level") || "" });
/** The rows of a choice, in order. */
function rowsOf(choice) {
  const me = current().user.id;
  return [...store.rows.values()].filter((row) => inQueue(choice.queue, row, me) && (!choice.area || row[7] === choice.area) && (!choice.level || String(row[3]) === choice.level)).sort(compare(choice.sort));
}

let latest = chosenQueue(new URLSearchParams());

export async function board(ctx, _values, query) {
  const choice = latest = chosenQueue(query);
  const me = current().user.id;
  const selected = new Set();
  const elements = new Map();
  const unfolded = new Set();
  const { root, at } = view("board");
  const to = (change_) => link(["board"], { ...choice, ...change_ });

  function cells(entry) {
    const row = entry.row, id = toId(row[2]), due = instant(row[18]), late = due < now();
    return [
      el("td", {}, el("input", { type: "checkbox", checked: selected.has(id), "aria-label": t("Choose #{id}", { id }), onchange: (event) => { if (event.target.checked) selected.add(id); else selected.delete(id); bulk(); } })),
      el("td", {}, signal(row[3])),
      el("td", { class: "title" }, el("a", { href: link(["tickets", String(id)]), dir: "auto", "data-row": String(id) }, row[1] || t("(no title)")), entry.more ? el("button", { class: "button tiny", type: "button", onclick: () => { unfolded.add(String(row[1])); draw(); } }, nt("+{n} repeat", "+{n} repeats", entry.more)) : null,
        el("span", { class: "muted line" }, `#${id}`, row[7] ? ` · ${row[7]}` : "", fromMonitoring(row) ? [" · ", icon("pulse"), t("Monitoring")] : "")),
      el("td", {}, stateChip(row[12])),
      el("td", { dir: "auto", class: holders(row[5]).length || row[8] ? "" : "muted" }, whoHas(row)),
      el("td", {}, when(row[15]), !Number.isNaN(due) && el("span", { class: late ? "fault line" : "muted line" }, late ? t("was due {ago}", { ago: ago(due) }) : t("due {ago}", { ago: ago(due) }))),
    ];
  }

  function counted(select, label, values, word, chosen) {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) || 0) + 1);
    if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
    const options = [...counts].sort((a, b) => String(word(a[0])).localeCompare(String(word(b[0]))));
    const print = JSON.stringify(options);
    if (select.dataset.print === print) return;
    select.dataset.print = print;
    select.replaceChildren(el("option", { value: "" }, label), ...options.map(([value, n]) => el("option", { value, selected: value === chosen }, `${word(value)} (${n})`)));
  }

  function draw() {
    const list = [...store.rows.values()];
    for (const one of at.queues.querySelectorAll("a")) one.querySelector(".count").textContent = String(list.filter((row) => inQueue(one.dataset.queue, row, me)).length);
    const queued = list.filter((row) => inQueue(choice.queue, row, me));
    counted(at.area, t("Every area"), queued.map((row) => row[7]).filter(Boolean), (value) => value, choice.area);
    counted(at.level, t("Every priority"), queued.map((row) => String(row[3])), priorityWord, choice.level);
    const mine = rowsOf(choice);
    const entries = folded(mine).flatMap((entry) => (entry.more && unfolded.has(String(entry.row[1])) ? mine.filter((row) => row[1] === entry.row[1]).map((row) => ({ row, more: 0 })) : [entry]));
    const order = entries.map((entry) => {
      const id = toId(entry.row[2]);
      const print = JSON.stringify([entry, whoHas(entry.row), selected.has(id), Math.floor(Date.now() / 60_000)]);
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
    at.note.textContent = store.total > MOST ? t("{n} tickets are open; the {most} changed last are shown. Search to see others.", { n: store.total, most: MOST }) : nt("{n} ticket", "{n} tickets", mine.length);
    at.age.textContent = "";
    bulk();
  }

  function bulk() {
    at.bulk.hidden = !selected.size;
    at.chosen.textContent = nt("{n} chosen", "{n} chosen", selected.size);
    if (at.bulk.hidden && at.bulk.contains(document.activeElement)) (at.rows.querySelector("a[data-row]") || at.q).focus({ preventScroll: true });
  }

  /** Do one thing to all that are chosen; true where all of it was done. */
  async function together(button, work) {
    return busy(button, async () => {
      const ids = [...selected];
      let failed = [];
      try {
        const results = await work(ids);
        failed = results.flatMap((one, index) => (one.id ? [] : [[ids[index], one.said]]));
        selected.clear();
        for (const [id] of failed) selected.add(id);
        at.said.replaceChildren(...(failed.length ? [el("div", { class: "notice warn", role: "alert" }, el("p", {}, t("Not done for:")), el("ul", {}, failed.map(([id, why]) => el("li", {}, `#${id} `, why || t("GLPI did not accept this.")))))] : []));
        if (!failed.length) toast(t("Done."));
      } catch (error) {
        if (!(error instanceof Trouble)) throw error;
        failed = ids;
        at.said.replaceChildren(troubleLine(error));
      }
      await readAll(choice.q, ctx.signal).catch(() => {});
      draw();
      return !failed.length;
    });
  }
  const back = (ids) => giveBack(ids, me);
  const assignTo = (userId) => (ids) => addMany("Ticket_User", ids.map((id) => ({ tickets_id: id, users_id: userId, type: 2 })));
  at.take.addEventListener("click", () => together(at.take, assignTo(me)));
  at.back.addEventListener("click", () => together(at.back, back));
  at.give.addEventListener("click", () => { const userId = toId(at.giveTo.value); if (userId) together(at.give, assignTo(userId)); else at.giveTo.focus(); });
  at.solve.addEventListener("click", () => { at.solveForm.hidden = false; at.solveText.focus(); });
  at.solveForm.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!at.solveText.value.trim()) return;
    together(at.solve, (ids) => addMany("ITILSolution", ids.map((id) => ({ itemtype: "Ticket", items_id: id, content: toHtml(at.solveText.value) })))).then((done) => { if (done) { at.solveForm.hidden = true; at.solveText.value = ""; } });
  });
  at.take.hidden = at.back.hidden = !may("ticket", ASSIGN | STEAL | OWN);
  at.give.hidden = at.giveTo.hidden = !may("ticket", ASSIGN);

  at.queues.replaceChildren(...QUEUES().map(([name, label]) => el("li", {}, el("a", { href: to({ queue: name }), "data-queue": name, "aria-current": name === choice.queue ? "true" : null }, label, el("span", { class: "count" }, "0")))));
  at.q.value = choice.q;
  at.sort.value = choice.sort;
  at.form.addEventListener("submit", (event) => { event.preventDefault(); go(to({ q: at.q.value.trim() })); });
  for (const name of ["sort", "area", "level"]) at[name].addEventListener("change", () => go(to({ [name]: at[name].value })));
  keys(ctx, () => [...at.rows.querySelectorAll("a[data-row]")], (key, row) => {
    const one = row && Number(row.dataset.row);
    if (key === "t" && one && !at.take.hidden) { selected.clear(); selected.add(one); together(at.take, assignTo(me)); }
    else if (key === "g" && one && !at.back.hidden) { selected.clear(); selected.add(one); together(at.back, back); }
    else if (key === "x" && one) row.closest("tr").querySelector("input").click();
    else if (key === "/") at.q.focus();
    else return false;
    return true;
  });

  const lost = (error) => { if (!ctx.signal.aborted) at.age.textContent = `${explain(error)} ${t("This is from {ago}.", { ago: ago(store.last) })}`; };
  await new Promise((done, fail) => { readAll(choice.q, ctx.signal, done).then(() => ctx.signal.aborted || draw(), fail); });
  people().then((known) => {
    at.giveTo.replaceChildren(el("option", { value: "" }, t("Assign to")), ...[...known].map(([id, name]) => el("option", { value: String(id) }, name)));
    draw();
  });
  draw();
  live(ctx, choice.q, draw, lost);
  return { title: t("Board"), root };
}

/** The board as a list beside a ticket: the same queue, the same order; null where there is no room. */
export function beside(ctx, id) {
  if (!matchMedia("(min-width:64rem)").matches) return null;
  const list = el("ul", { class: "tickets" });
  const label = QUEUES().find(([name]) => name === latest.queue)?.[1] || t("All");
  const root = el("nav", { class: "pane-list", "aria-label": t("Board") }, el("p", { class: "back" }, el("a", { href: link(["board"], latest) }, t("Board: {queue}", { queue: label }))), list);
  function draw() {
    const print = (row) => el("li", {}, el("a", { class: "ticket-row", href: link(["tickets", row[2]]), "data-row": row[2], "aria-current": toId(row[2]) === id ? "true" : null },
      el("span", { class: "ticket-title", dir: "auto" }, row[1] || t("(no title)")), el("span", { class: "muted", dir: "auto" }, signal(row[3], false), ` #${row[2]} · `, whoHas(row))));
    const held = list.contains(document.activeElement) && document.activeElement.dataset.row;
    list.replaceChildren(...rowsOf(latest).slice(0, 100).map((row) => print({ ...row, 2: String(toId(row[2])) })));
    if (held) list.querySelector(`[data-row="${held}"]`)?.focus({ preventScroll: true });
  }
  draw();
  const quiet = () => {};
  if (now() - store.last > 60_000) readAll(latest.q, ctx.signal).then(draw).catch(quiet);
  people().then(draw);
  live(ctx, latest.q, draw, quiet);
  keys(ctx, () => [...list.querySelectorAll("a")], () => false);
  return root;
}

/** Keys of a list: j and k move, others go to `more(key, link in focus)`, which tells whether it was one of its own. */
function keys(ctx, links, more) {
  ctx.listen(document, "keydown", (event) => {
    if (kept("keys") === "off" || isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = links();
    const row = document.activeElement?.closest("tr, li")?.querySelector("a[data-row]");
    const here = row ? all.indexOf(row) : all.findIndex((one) => one.getAttribute("aria-current"));
    if (event.key === "j") all[Math.min(here + 1, all.length - 1)]?.focus();
    else if (event.key === "k") all[Math.max(here - 1, 0)]?.focus();
    else if (event.key === "?") keysDialog();
    else if (event.key === "n") go("#/new");
    else if (!more(event.key, row)) return;
    event.preventDefault();
  });
}

export function keysDialog() {
  const keys = [["j / k", t("next / earlier ticket")], ["Enter", t("open it")], ["t", t("take it")], ["g", t("give it back")], ["x", t("choose it (board)")], ["n", t("new ticket")], ["/", t("search")], ["?", t("this list")]];
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "keys-title" }, el("h2", { id: "keys-title" }, t("Keyboard shortcuts")),
    el("dl", { class: "keys" }, keys.flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)])), el("form", { method: "dialog" }, el("button", { class: "button primary" }, t("Close"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
