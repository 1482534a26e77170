// The portal: for people who need help.
import { add, addFollowup, change, item, items, search, Trouble } from "../api.js";
import { current, may } from "../auth.js";
import { announce, el, icon, toast, view } from "../dom.js";
import { cleaner, composer, conversation, entries, fileButton, followup, missingFiles, newest, when, withFiles } from "../conversation.js";
import { dropDraft, readDraft, saveDraft } from "../draft.js";
import { eventView } from "../event.js";
import { picker } from "../files.js";
import { busy, fault } from "../form.js";
import { nt, t } from "../i18n.js";
import { go, link } from "../route.js";
import { begin, data, meView, settings, signInView } from "../shell.js";
import { CLOSED, SOLVED, WAITING, stateChip, stateWord, track } from "../status.js";
import { cut, finds, fold, plain, toHtml, toId } from "../text.js";
import { exact, instant, now } from "../time.js";
import { explain, troubleLine } from "../trouble.js";

const FIELDS = [2, 1, 12, 15, 19, 7, 5, 8];
const PREVIEWS = 3, NAMES = 5;

/** One's own tickets; `words` are looked for in title and text: GLPI binds AND tighter than OR. */
function own(criteria, { fields = FIELDS, words = "", ...more }) {
  const mine = [[4, "equals", current().user.id], ...criteria];
  const found = words ? [...mine, [1, "contains", words], ...mine.map((one, at) => [...one, at ? "AND" : "OR"]), [21, "contains", words]] : mine;
  return search("Ticket", { criteria: found, fields, ...more });
}

const names = new Map();
/** Add to rows who has each, and to the first few what was said last: GLPI's list knows technicians by number only. */
async function enrich(rows, signal) {
  const ids = (row) => [row[5]].flat().map(toId).filter(Boolean);
  const unknown = new Map(rows.flatMap((row) => ids(row).filter((id) => !names.has(id)).map((id) => [id, toId(row[2])])));
  await Promise.all([
    ...[...new Set(unknown.values())].slice(0, NAMES).map(async (ticketId) => {
      for (const one of await items(`Ticket/${ticketId}/Ticket_User`, ["users_id"], signal)) names.set(one.users_id, one._names?.users_id);
    }),
    ...rows.filter((row) => Number(row[12]) > 1).slice(0, PREVIEWS).map(async (row) => {
      const said = await items(`Ticket/${toId(row[2])}/${Number(row[12]) === SOLVED ? "ITILSolution" : "ITILFollowup"}`, [], signal, { range: "0-9", sort: "id", order: "DESC" });
      row.last = said.find((one) => !one.is_private)?.content;
    }),
  ].map((work) => work.catch(() => {})));
  for (const row of rows) row.who = [...ids(row).map((id) => names.get(id)), row[8]].flat().filter(Boolean).join(", ");
}

function row(one) {
  const id = toId(one[2]);
  return el("li", {}, el("a", { class: "ticket-row", href: link(["tickets", String(id)]) },
    el("span", { class: "ticket-title", dir: "auto" }, one[1] || t("(no title)")),
    one.last && el("span", { class: "preview", dir: "auto" }, cut(plain(one.last), 140)),
    el("span", { class: "muted", dir: "auto" }, one.who && `${t("{name} has it", { name: one.who })} · `, `#${id}`, one[7] ? ` · ${one[7]}` : "", " · ", when(one[19])), stateChip(one[12], portalState(one[12]))));
}

function portalState(status) {
  return { 1: t("Received"), 4: t("Waiting for you"), 5: t("Solved: please confirm") }[status] || stateWord(status);
}

const list = (rows) => el("ul", { class: "tickets" }, rows.map(row));

// -- home --

async function home(ctx) {
  const [found, closed] = await Promise.all([own([[12, "equals", "notclosed"]], { count: 50, signal: ctx.signal }),
    settings.features.survey ? own([[12, "equals", "6"]], { fields: [2, 1, 12, 19, 7, 60, 61], count: 25, signal: ctx.signal }).catch(() => null) : null]);
  const { root, at } = view("home");
  const asks = found.rows.filter((one) => [WAITING, SOLVED].includes(Number(one[12])));
  const due = (closed?.rows || []).filter((one) => one[60] && !one[61]).slice(0, PREVIEWS);
  const open = found.rows.filter((one) => !asks.includes(one));
  at.hello.textContent = t("Hello {name}. What can we help with?", { name: current().user.name });
  at.notices.replaceChildren(...settings.notices.map((words) => el("p", { class: "notice info" }, icon("info"), words)));
  await enrich([...asks, ...open], ctx.signal);
  if (asks.length) at.asks.append(el("h2", {}, t("Needs your answer")), list(asks));
  if (due.length) at.due.append(el("h2", {}, t("How did we do? Please rate it")), list(due));
  at.open.append(el("h2", {}, t("Open")), open.length ? list(open) : el("p", { class: "empty" }, t("Nothing is open. When you report something, you can follow it here.")));
  at.form.addEventListener("submit", (event) => {
    event.preventDefault();
    saveDraft(current().user.id, "new", { ...readDraft(current().user.id, "new"), title: at.ask.value });
    go("#/new");
  });
  suggest(at.ask, at.articles);
  return { title: t("Start"), root };
}

/** Articles that fit what is typed. */
function suggest(input, place) {
  input.addEventListener("input", async () => {
    const kb = settings.features.help ? await data("kb") : null;
    const words = fold(input.value).split(/\s+/).filter((word) => word.length > 2);
    const hits = (kb?.articles || []).map((one) => [words.filter((word) => finds(`${one.title} ${one.keywords}`, word)).length, one])
      .filter(([score]) => score > 0).sort((a, b) => b[0] - a[0]).slice(0, 3);
    place.replaceChildren(...(hits.length ? [el("p", { class: "label" }, t("This may help at once:")), el("ul", { class: "plain" }, hits.map(([, one]) => el("li", {}, el("a", { href: link(["help", String(one.id)]) }, icon("book"), one.title))))] : []));
    if (hits.length) announce(nt("{n} article may help", "{n} articles may help", hits.length));
  });
}

// -- new --

const URGENCY = () => [[2, t("It can wait")], [3, t("It disturbs my work")], [4, t("I cannot work")], [5, t("Many people cannot work")]];

async function create(ctx, _values, query) {
  const user = current().user.id;
  const catalog = await data("catalog");
  const kept = readDraft(user, "new") || {};
  const { root, at } = view("new");
  at.title.value = query.get("title") || kept.title || "";
  at.text.value = kept.text || "";
  const here = new Set(current().active);
  const categories = (catalog?.categories || []).filter((one) => one.helpdesk && (one.incident || one.request) && (here.has(one.entity) || one.recursive));
  at.categoryField.hidden = !categories.length;
  at.options.replaceChildren(...categories.map((one) => el("option", { value: one.path })));
  at.category.value = kept.category || "";
  at.urgency.replaceChildren(...URGENCY().map(([value, words]) => el("option", { value: String(value), selected: value === Number(kept.urgency || 3) }, words)));
  const chosen = picker(() => catalog?.upload, at.form);
  at.files.replaceChildren(chosen.root);
  const values = () => ({ title: at.title.value, text: at.text.value, category: at.category.value, urgency: at.text.value || at.title.value ? at.urgency.value : "" });
  at.form.addEventListener("input", () => saveDraft(user, "new", values()));
  suggest(at.title, at.articles);
  at.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const faults = [];
    if (!at.title.value.trim()) faults.push([at.title, t("Say in a few words what it is about.")]);
    if (Array.from(at.title.value.trim()).length > 255) faults.push([at.title, t("Use at most 255 characters; the rest belongs in the description.")]);
    if (!at.text.value.trim()) faults.push([at.text, t("Describe what happens.")]);
    const category = categories.find((one) => one.path === at.category.value.trim());
    if (at.category.value.trim() && !category) faults.push([at.category, t("Choose one of the list, or leave it empty.")]);
    if (!fault(at.form, faults)) return null;
    return busy(at.send, () => report(at, category, chosen, ctx));
  });
  return { title: t("Report a problem"), root };
}

async function report(at, category, chosen, ctx) {
  const user = current().user.id;
  at.said.replaceChildren();
  const input = { name: at.title.value.trim(), content: toHtml(at.text.value), urgency: Number(at.urgency.value), _users_id_requester: user, type: category && !category.incident ? 2 : 1 };
  if (category) input.itilcategories_id = category.id;
  const sent = now();
  let id;
  try {
    id = await add("Ticket", input);
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (error.kind === "unknown") id = await newest(input.name, sent);
    if (!id) { at.said.replaceChildren(troubleLine(error)); return; }
  }
  dropDraft(user, "new");
  const names = chosen.files().map((one) => one.name);
  let lost = [];
  if (names.length) {
    await addFollowup({ itemtype: "Ticket", items_id: id, content: `<p>${t("Files")}</p>` }, chosen.files()).catch(() => {});
    lost = await missingFiles("Ticket", id, names, 0).catch(() => names);
  }
  arrived = { id, lost };
  if (!ctx.signal.aborted) go(link(["tickets", String(id)]));
}

let arrived = null;

// -- list --

const PER_PAGE = 25;

async function tickets(ctx, _values, query) {
  const state = ["open", "closed", "all"].includes(query.get("state")) ? query.get("state") : "open";
  const words = query.get("q") || "";
  const page = Math.max(1, Number(query.get("page")) || 1);
  const { root, at } = view("tickets");
  const criteria = [];
  if (state !== "all") criteria.push([12, "equals", state === "open" ? "notclosed" : "6"]);
  const found = await own(criteria, { words, from: (page - 1) * PER_PAGE, count: PER_PAGE, signal: ctx.signal });
  await enrich(found.rows, ctx.signal);
  at.q.value = words;
  for (const one of at.states.querySelectorAll("a")) {
    one.href = link(["tickets"], { state: one.dataset.state, q: words });
    if (one.dataset.state === state) one.setAttribute("aria-current", "true");
  }
  at.form.addEventListener("submit", (event) => { event.preventDefault(); go(link(["tickets"], { state, q: at.q.value.trim() })); });
  at.count.textContent = nt("{n} ticket", "{n} tickets", found.total);
  at.list.replaceChildren(found.rows.length ? list(found.rows) : el("p", { class: "empty" }, words ? t("Nothing matches. Try another word, or all states.") : t("There is nothing here yet.")));
  const pages = Math.ceil(found.total / PER_PAGE);
  if (pages > 1) {
    at.pager.append(page > 1 ? el("a", { class: "button quiet", href: link(["tickets"], { state, q: words, page: page - 1 }) }, t("Earlier page")) : "",
      el("span", {}, t("Page {page} of {pages}", { page, pages })), page < pages ? el("a", { class: "button quiet", href: link(["tickets"], { state, q: words, page: page + 1 }) }, t("Next page")) : "");
  }
  return { title: t("Your tickets"), root };
}

// -- one ticket --

async function ticket(ctx, { id: text }) {
  const id = toId(text);
  if (!id) throw new Trouble("missing");
  const by = ["users_id"];
  const [{ clean }, one, followups, solutions, people, groups] = await Promise.all([
    cleaner(), item(`Ticket/${id}`, { with_documents: "true", "add_keys_names[]": ["users_id_recipient", "itilcategories_id"] }, ctx.signal),
    items(`Ticket/${id}/ITILFollowup`, by, ctx.signal), items(`Ticket/${id}/ITILSolution`, by, ctx.signal), items(`Ticket/${id}/Ticket_User`, by, ctx.signal),
    items(`Ticket/${id}/Group_Ticket`, ["groups_id"], ctx.signal).catch(() => [])]);
  if (one.is_deleted) throw new Trouble("missing");
  const survey = one.status === CLOSED && settings.features.survey ? (await items(`Ticket/${id}/TicketSatisfaction`, [], ctx.signal).catch(() => []))[0] : null;
  const { root, at } = view("ticket");
  const holders = [...people, ...groups].filter((each) => each.type === 2).map((each) => each._names?.users_id || each._names?.groups_id).filter(Boolean);
  const asksMe = people.some((each) => each.type === 1 && each.users_id === current().user.id);
  at.title.textContent = one.name || t("(no title)");
  at.facts.append(`#${id} · `, when(one.date), one._names?.itilcategories_id ? ` · ${one._names.itilcategories_id}` : "");
  at.state.append(track(one.status, holders.length > 0), el("p", { class: "next" }, next(one, holders)));
  if (arrived?.id === id) {
    at.news.append(el("p", { class: "notice ok", role: "status" }, icon("check"), t("We have it: number {id}. You will find every answer here.", { id })));
    if (arrived.lost.length) at.news.append(lostFiles(arrived.lost));
    arrived = null;
  }
  const documents = one._documents || [];
  const said = entries(one, followups.filter((each) => !each.is_private), solutions);
  const rest = withFiles(said, documents);
  at.conversation.replaceChildren(conversation(said, clean, "Ticket", id, ctx.signal));
  if (rest.length) at.files.append(el("h2", {}, t("Files")), el("div", { class: "row wrap" }, rest.map((each) => fileButton(each, "Ticket", id, ctx.signal))));
  const afterwards = async ({ lost = [] } = {}) => {
    lostHere = lost;
    await ctx.again();
  };
  if (lostHere.length) { at.news.append(lostFiles(lostHere)); lostHere = []; }
  const catalog = await data("catalog");
  const base = { itemsId: id, limits: () => catalog?.upload, before: documents.length, afterwards };
  if (one.status === SOLVED && asksMe) at.answer.append(judgement(id, base, followups));
  else if (one.status < SOLVED) at.answer.append(composer({ ...base, send: followup("Ticket", id, followups), place: `reply-${id}`, heading: t("Your answer"), button: t("Send answer") }));
  else if (one.status === CLOSED && may("ticket", 4)) at.answer.append(el("p", { class: "muted" }, t("This ticket is closed."), " ", el("a", { href: link(["new"], { title: cut(t("Again: {title}", { title: one.name }), 255) }) }, t("Report it again"))));
  if (survey) at.survey.append(rating(id, survey, catalog?.surveys?.[one.entities_id], ctx));
  const stamp = one.date_mod;
  ctx.every(30_000, async () => {
    const fresh = await item(`Ticket/${id}`, {}, ctx.signal).catch(() => null);
    if (!fresh || fresh.date_mod === stamp || at.news.querySelector(".newer")) return;
    if (!root.querySelector("textarea")?.value && !root.contains(document.activeElement)) { ctx.again(); announce(t("There is something new.")); return; }
    at.news.append(el("p", { class: "notice info newer", role: "status" }, icon("info"), t("There is something new."), " ", el("button", { class: "button quiet", onclick: () => ctx.again() }, t("Show it"))));
  });
  return { title: `#${id} ${one.name}`, root };
}

let lostHere = [];
function lostFiles(names) {
  return el("p", { class: "notice warn", role: "alert" }, icon("alert"), t("GLPI did not take: {names}", { names: names.join(", ") }));
}

function next(one, holders) {
  const who = holders.join(", ");
  switch (one.status) {
    case 1: return who ? t("{name} has it.", { name: who }) : t("We have received it. Somebody will take it soon.");
    case 4: return t("We wait for your answer.");
    case 5: return t("We think it is solved. Please tell us if it is so.");
    case 6: return one.closedate ? t("Closed on {date}.", { date: exact(instant(one.closedate)) }) : t("Closed.");
    default: return who ? t("{name} has it.", { name: who }) : t("Somebody is working on it.");
  }
}

function judgement(id, base, followups) {
  const yes = el("button", { class: "button primary", type: "button" }, icon("check"), t("Yes, solved"));
  const said = el("div", { class: "said" });
  yes.addEventListener("click", () => busy(yes, async () => {
    try {
      const unsure = await add("ITILFollowup", { itemtype: "Ticket", items_id: id, content: "", add_close: 1 }).then(() => null, (error) => { if (error.kind !== "unknown") throw error; return error; });
      const fresh = await item(`Ticket/${id}`);
      if (fresh.status !== CLOSED) { said.replaceChildren(unsure ? troubleLine(unsure) : el("p", { class: "notice warn", role: "alert" }, t("GLPI did not close it. Please write to us below."))); return; }
      await base.afterwards();
      toast(t("Thank you. The ticket is closed."));
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      said.replaceChildren(troubleLine(error));
    }
  }));
  const no = composer({ ...base, place: `refuse-${id}`, heading: t("What is still wrong?"), button: t("No, still broken"), send: followup("Ticket", id, followups, { add_reopen: 1 }), required: t("Say what is still wrong, so that we can go on."), quiet: true });
  return el("section", { class: "solution-card" }, el("h2", {}, t("Is it solved?")), el("p", {}, yes), said, no);
}

/** `rule` is {most, comment}: the highest rate, and up to which rate GLPI wants words. */
function rating(id, survey, rule, ctx) {
  const { root, at } = view("rating");
  const most = rule?.most || 5;
  at.legend.textContent = t("From 1 (bad) to {most} (very good)", { most });
  at.stars.append(...Array.from({ length: most }, (_, step) => el("label", { class: "rate" },
    el("input", { type: "radio", name: "rate", value: String(step + 1), checked: Number(survey.satisfaction) === step + 1 }), el("span", {}, String(step + 1)))));
  at.comment.value = survey.comment || "";
  if (survey.date_answered && now() - instant(survey.date_answered) > 12 * 3600_000) return el("p", { class: "muted" }, t("You rated this {n} of {most}. Thank you.", { n: survey.satisfaction, most }));
  at.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = Number(new FormData(at.form).get("rate"));
    if (!chosen) return fault(at.form, [[at.stars.querySelector("input"), t("Choose a number from 1 to {most}.", { most })]]);
    if (chosen <= (rule?.comment || 0) && !at.comment.value.trim()) return fault(at.form, [[at.comment, t("Please say in a few words why.")]]);
    fault(at.form, []);
    return busy(at.send, async () => {
      try {
        await change("TicketSatisfaction", id, { tickets_id: id, satisfaction: chosen, comment: at.comment.value.trim() });
        toast(t("Thank you."));
        await ctx.again();
      } catch (error) { at.said.replaceChildren(troubleLine(error)); }
    });
  });
  return root;
}

// -- help --

async function help(ctx, _values, query) {
  const kb = await data("kb");
  const { root, at } = view("help");
  const draw = () => {
    const hits = (kb?.articles || []).filter((one) => finds(`${one.title} ${one.keywords}`, at.q.value));
    at.list.replaceChildren(...(hits.length ? [el("ul", { class: "tickets" }, hits.map((one) => el("li", {}, el("a", { class: "ticket-row", href: link(["help", String(one.id)]) }, el("span", { class: "ticket-title", dir: "auto" }, icon("book"), one.title), one.keywords && el("span", { class: "muted" }, one.keywords)))))]
      : [el("p", { class: "empty" }, kb ? t("No article matches. You can report it instead.") : t("There are no articles yet.")), el("p", {}, el("a", { class: "button primary", href: "#/new" }, t("Report a problem")))]));
    at.count.textContent = nt("{n} article", "{n} articles", hits.length);
  };
  at.q.value = query.get("q") || "";
  at.q.addEventListener("input", draw);
  draw();
  return { title: t("Help"), root };
}

async function article(ctx, { id: text }) {
  const id = toId(text);
  if (!id) throw new Trouble("missing");
  let one;
  try { one = await item(`KnowbaseItem/${id}`, {}, ctx.signal); } catch (error) {
    if (error.kind !== "forbidden") throw error;
    return { title: t("Not shared"), root: el("section", { class: "narrow" }, el("h1", {}, t("This article is not shared with you")), el("p", {}, explain(error)), el("p", {}, el("a", { class: "button quiet", href: "#/help" }, t("To all articles")))) };
  }
  const { clean } = await cleaner();
  const body = el("div", { class: "said-text", dir: "auto" });
  body.append(clean(one.answer, null));
  return { title: one.name, root: el("article", { class: "narrow" }, el("h1", { dir: "auto" }, one.name), body, el("p", { class: "row wrap" }, el("a", { class: "button quiet", href: "#/help" }, t("To all articles")),
    el("a", { class: "button primary", href: link(["new"], { title: cut(one.name || "", 255) }) }, t("It did not help: report it")))) };
}

begin([
  [["sign-in"], signInView], [[], home], [["new"], create], [["tickets"], tickets], [["tickets", ":id"], ticket],
  [["help"], help], [["help", ":id"], article], [["me"], meView], [["event", ":source", ":eventid"], eventView],
]);
