// The panel: for people who give help.
import { add, change, item, items, remove, search, Trouble } from "../api.js";
import { ASSIGN, CREATE, OWN, SEEPRIVATE, STEAL, UPDATE, current, may } from "../auth.js";
import { announce, el, icon, isTyping, kept, toast, view } from "../dom.js";
import { cleaner, composer, conversation, entries, fileButton, followup, nameOf, newest, when, withFiles } from "../conversation.js";
import { dropDraft, readDraft, saveDraft } from "../draft.js";
import { eventView } from "../event.js";
import { busy, confirm, fault, field } from "../form.js";
import { nt, t } from "../i18n.js";
import { go, link } from "../route.js";
import { begin, data, meView, settings, signInView } from "../shell.js";
import { CLOSED, SOLVED, WAITING, priorityWord, signal, stateChip } from "../status.js";
import { toHtml, toId } from "../text.js";
import { ago, exact, instant, now, span } from "../time.js";
import { explain, troubleLine } from "../trouble.js";
import { beside, board, people } from "./board.js";

const assigns = () => may("ticket", ASSIGN | STEAL | OWN);

/** A button that writes and says what went wrong; after an unclear answer it rereads (`again`) and says it there. */
function deed(words, said, work, { style = "quiet", name = "", done = "", again = null } = {}) {
  const button = el("button", { class: `button ${style}`, type: "button" }, name && icon(name), words);
  button.addEventListener("click", () => busy(button, async () => {
    try {
      if ((await work()) !== false && done) toast(done);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (error.kind === "unknown" && again) await again();
      (said.isConnected ? said : document.querySelector("main .said"))?.replaceChildren(troubleLine(error));
    }
  }));
  return button;
}

// -- a ticket --

async function ticket(ctx, { id: text }) {
  const id = toId(text);
  if (!id) throw new Trouble("missing");
  const path = (what) => `Ticket/${id}/${what}`;
  const gentle = (promise) => promise.catch((error) => { if (error.kind === "forbidden" || error.kind === "refused") return []; throw error; });
  const [{ clean }, one, followups, solutions, actors, tasks, groups, problems, changes, assets] = await Promise.all([
    cleaner(), item(`Ticket/${id}`, { with_documents: "true", "add_keys_names[]": ["users_id_recipient", "itilcategories_id", "requesttypes_id", "entities_id"] }, ctx.signal),
    items(path("ITILFollowup"), ["users_id"], ctx.signal), items(path("ITILSolution"), ["users_id"], ctx.signal), items(path("Ticket_User"), ["users_id"], ctx.signal),
    gentle(items(path("TicketTask"), ["users_id"], ctx.signal)), gentle(items(path("Group_Ticket"), ["groups_id"], ctx.signal)),
    gentle(items(path("Problem_Ticket"), ["problems_id"], ctx.signal)), gentle(items(path("Change_Ticket"), ["changes_id"], ctx.signal)), gentle(items(path("Item_Ticket"), [], ctx.signal))]);
  const { root: article, at } = view("ticket");
  const list = beside(ctx, id);
  const root = list ? el("div", { class: "split" }, list, article) : article;
  const again = ctx.again;
  const me = current().user.id;
  const technicians = actors.filter((each) => each.type === 2);
  const asked = actors.filter((each) => each.type === 1);
  const mine = technicians.find((each) => each.users_id === me);
  const open = one.status < SOLVED;
  at.title.textContent = one.name || t("(no title)");
  at.facts.append(el("span", { class: "mono" }, `#${id}`), " ", stateChip(one.status), " ", signal(one.priority), " ", when(one.date));
  const facts = [
    [t("From"), asked.map((each) => each._names?.users_id || each.alternative_email).filter(Boolean).join(", ") || nameOf(one, "users_id_recipient")],
    [t("Technicians"), technicians.map((each) => each._names?.users_id).filter(Boolean).join(", ") || t("Nobody yet")],
    [t("Groups"), groups.filter((each) => each.type === 2).map((each) => each._names?.groups_id).join(", ")],
    [t("Area"), one._names?.itilcategories_id], [t("Entity"), one._names?.entities_id], [t("Source"), one._names?.requesttypes_id],
    [t("Due"), one.time_to_resolve ? exact(instant(one.time_to_resolve)) : ""], [t("Items"), assets.map((each) => `${each.itemtype} ${each.items_id}`).join(", ")],
  ].filter(([, value]) => value);
  at.list.append(...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { dir: "auto" }, value)]));
  const links = [...problems.map((each) => ["problems", each.problems_id, each._names?.problems_id]), ...changes.map((each) => ["changes", each.changes_id, each._names?.changes_id])];
  if (links.length) at.links.append(el("h2", {}, t("Linked")), el("ul", {}, links.map(([kind, number, name]) => el("li", {}, el("a", { href: link([kind, String(number)]), dir: "auto" }, nameOfLink(kind, number, name))))));
  const said = entries(one, followups, solutions, tasks);
  const rest = withFiles(said, one._documents || []);
  at.conversation.append(conversation(said, clean, "Ticket", id, ctx.signal));
  if (rest.length) at.files.append(el("h2", {}, t("Files")), el("div", { class: "row wrap" }, rest.map((each) => fileButton(each, "Ticket", id, ctx.signal))));

  // taking, giving back, assigning
  async function take() {
    const present = await items(path("Ticket_User"), ["users_id"], ctx.signal);
    const others = present.filter((each) => each.type === 2 && !technicians.some((old) => old.id === each.id));
    if (others.length) {
      at.said.replaceChildren(el("p", { class: "notice warn", role: "alert" }, icon("alert"), t("{name} was faster and has it. Nothing was changed.", { name: others.map((each) => each._names?.users_id).join(", ") }), " ", el("button", { class: "button quiet", onclick: () => ctx.again() }, t("Show it"))));
      return false;
    }
    await add("Ticket_User", { tickets_id: id, users_id: me, type: 2 });
    await ctx.again();
    return true;
  }
  if (assigns() && open) {
    at.deeds.append(mine ? deed(t("Give back"), at.said, async () => { await remove("Ticket_User", mine.id); await ctx.again(); }, { again, style: "quiet give-back", done: t("Given back.") })
      : deed(t("Take it"), at.said, take, { again, style: "primary", name: "hand", done: t("You have it.") }));
  }
  if (may("ticket", UPDATE) && open) {
    at.deeds.append(one.status === WAITING ? deed(t("No longer waiting"), at.said, async () => { await change("Ticket", id, { status: 2 }); await ctx.again(); }, { again })
      : deed(t("Wait for an answer"), at.said, async () => { await change("Ticket", id, { status: WAITING }); await ctx.again(); }, { again }));
  }
  if (may("ticket", ASSIGN) && open) at.assign.append(await assignForm(ctx, id, at.said));
  if (may("problem", CREATE) && settings.features.problems) at.deeds.append(deed(t("Make a problem of it"), at.said, () => spawn("Problem", one), { again }));
  if (may("change", CREATE) && settings.features.changes) at.deeds.append(deed(t("Make a change of it"), at.said, () => spawn("Change", one), { again }));

  // answering
  const catalog = await data("catalog");
  const stamp = one.date_mod;
  const base = { itemsId: id, limits: () => catalog?.upload, before: (one._documents || []).length, afterwards: async ({ lost = [] } = {}) => {
    await ctx.again();
    if (lost.length) toast(t("GLPI did not take: {names}", { names: lost.join(", ") }));
  } };
  if (one.status !== CLOSED) {
    const tabs = [[t("Answer"), () => composer({ ...base, send: followup("Ticket", id, followups), place: `answer-${id}`, heading: t("Answer, read by who asked"), button: t("Send answer") })]];
    if (may("followup", SEEPRIVATE)) tabs.push([t("Private note"), () => { const form = composer({ ...base, send: followup("Ticket", id, followups, { is_private: 1 }), place: `note-${id}`, heading: t("Private note, read by technicians only"), button: t("Keep note") }); form.classList.add("private"); return form; }]);
    if (may("task", 4096 | 4)) tabs.push([t("Task"), () => taskForm(base, id, tasks)]);
    if (open) tabs.push([t("Solve"), () => solveForm(base, id, solutions)]);
    at.answer.append(tabbed(tabs));
  }
  ctx.every(30_000, async () => {
    const fresh = await item(`Ticket/${id}`, {}, ctx.signal).catch(() => null);
    if (!fresh || fresh.date_mod === stamp || at.news.querySelector(".newer")) return;
    at.news.append(el("p", { class: "notice info newer", role: "status" }, icon("info"), t("This ticket has changed since you opened it."), " ", el("button", { class: "button quiet", onclick: () => ctx.again() }, t("Show it"))));
  });
  ctx.listen(document, "keydown", (event) => {
    if (kept("keys") === "off" || isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "t") at.deeds.querySelector(".primary")?.click();
    if (event.key === "g") at.deeds.querySelector(".give-back")?.click();
    if (event.key === "r") { event.preventDefault(); root.querySelector(".answer textarea")?.focus(); }
  });
  return { title: `#${id} ${one.name}`, root };
}

/** Buttons that choose one of several forms; each keeps its own draft. */
function tabbed(tabs) {
  const place = el("div", { class: "tab-place" });
  const bar = el("div", { class: "tabs", role: "group", "aria-label": t("What to write") }, tabs.map(([words, make], at) => el("button", { class: "button quiet", type: "button", "aria-pressed": at === 0 ? "true" : "false", onclick: (event) => {
    for (const one of bar.children) one.setAttribute("aria-pressed", one === event.currentTarget ? "true" : "false");
    place.replaceChildren(make());
    place.querySelector("textarea")?.focus();
  } }, words)));
  place.append(tabs[0][1]());
  return el("div", {}, bar, place);
}

async function assignForm(ctx, id, said) {
  const [known, found] = await Promise.all([people(), search("Group", { fields: [2, 1], sort: 1, order: "ASC", count: 500, signal: ctx.signal }).catch(() => ({ rows: [] }))]);
  const choose = el("select", { id: "assign-to" }, el("option", { value: "" }, t("Choose…")),
    el("optgroup", { label: t("Groups") }, found.rows.map((row) => el("option", { value: `g${toId(row[2])}` }, row[1]))),
    el("optgroup", { label: t("People") }, [...known].map(([number, name]) => el("option", { value: `u${number}` }, name))));
  return el("div", { class: "row wrap" }, el("label", { for: "assign-to" }, t("Assign to")), choose, deed(t("Assign"), said, async () => {
    const number = toId(choose.value.slice(1));
    if (!number) return false;
    if (choose.value.startsWith("g")) await add("Group_Ticket", { tickets_id: id, groups_id: number, type: 2 });
    else await add("Ticket_User", { tickets_id: id, users_id: number, type: 2 });
    await ctx.again();
    return true;
  }, { done: t("Assigned."), again: ctx.again }));
}

/** A form whose text becomes one item; after an unclear answer `there` tells whether it came to be. */
const oneItem = (itemtype, input, there) => ({ write: (content) => add(itemtype, { ...input, content }), arrived: there });

function taskForm(base, id, tasks) {
  const send = oneItem("TicketTask", { tickets_id: id, state: 1 }, async () => (await items(`Ticket/${id}/TicketTask`)).length > tasks.length);
  return composer({ ...base, limits: null, place: `task-${id}`, heading: t("What is to be done?"), button: t("Add task"), send, required: t("Please write something first.") });
}

function solveForm(base, id, solutions) {
  const send = oneItem("ITILSolution", { itemtype: "Ticket", items_id: id }, async () => (await items(`Ticket/${id}/ITILSolution`)).length > solutions.length);
  const write = async (content) => {
    const fresh = await item(`Ticket/${id}`, {});
    if (fresh.status >= SOLVED) {
      const before = await items(`Ticket/${id}/ITILSolution`, ["users_id"]);
      throw new Trouble("said", { details: t("Already solved by {name}.", { name: nameOf(before.at(-1) || {}) }) });
    }
    return send.write(content);
  };
  return composer({ ...base, limits: null, place: `solve-${id}`, heading: t("How was it solved?"), button: t("Solve"), send: { ...send, write }, required: t("Please write something first.") });
}

async function spawn(kind, one) {
  const words = kind === "Problem" ? t("Make a problem of this ticket?") : t("Make a change of this ticket?");
  if (!await confirm(words, t("Yes, make it"))) return false;
  const number = await add(kind, { name: one.name, content: one.content, itilcategories_id: one.itilcategories_id, urgency: one.urgency, impact: one.impact, entities_id: one.entities_id });
  await linked(`${kind}_Ticket`, { [kind === "Problem" ? "problems_id" : "changes_id"]: number, tickets_id: one.id });
  go(link([kind === "Problem" ? "problems" : "changes", String(number)]));
  return true;
}

/** Link what was just made; where that fails it is said, and its page is where to link it again. */
async function linked(itemtype, input) {
  await add(itemtype, input).catch((error) => {
    if (!(error instanceof Trouble)) throw error;
    toast(t("Made, but not linked: {why}", { why: explain(error) }));
  });
}

async function create() {
  const { root, at } = view("new");
  const user = current().user.id;
  const kept_ = readDraft(user, "new") || {};
  at.title.value = kept_.title || "";
  at.text.value = kept_.text || "";
  at.form.addEventListener("input", () => saveDraft(user, "new", { title: at.title.value, text: at.text.value }));
  at.form.addEventListener("submit", (event) => {
    event.preventDefault();
    const faults = [];
    if (!at.title.value.trim()) faults.push([at.title, t("Say in a few words what it is about.")]);
    if (!at.text.value.trim()) faults.push([at.text, t("Describe what happens.")]);
    if (!fault(at.form, faults)) return null;
    return busy(at.send, async () => {
      try {
        const name = Array.from(at.title.value.trim()).slice(0, 255).join("");
        const sent = now();
        const id = await add("Ticket", { name, content: toHtml(at.text.value), _users_id_requester: user, type: 1 }).catch(async (error) => {
          const there = error.kind === "unknown" && await newest(name, sent);
          if (!there) throw error;
          return there;
        });
        dropDraft(user, "new");
        go(link(["tickets", String(id)]));
      } catch (error) { at.said.replaceChildren(troubleLine(error)); }
    });
  });
  return { title: t("New ticket"), root };
}

// -- problems and changes --

const KINDS = { problems: { type: "Problem", key: "problems_id", title: () => t("Problems") }, changes: { type: "Change", key: "changes_id", title: () => t("Changes") } };

const nameOfLink = (kind, number, name) => `${kind === "problems" ? t("Problem") : t("Change")} #${number} ${name || ""}`;

const listOf = (kind) => async (ctx) => {
  const { type, title } = KINDS[kind];
  const found = await search(type, { criteria: [[12, "equals", "notold"]], fields: [2, 1, 12, 3, 19], count: 100, signal: ctx.signal });
  const root = el("section", {}, el("h1", {}, title()), el("p", { class: "muted", role: "status" }, nt("{n} open", "{n} open", found.total)),
    found.rows.length ? el("ul", { class: "tickets" }, found.rows.map((row) => el("li", {}, el("a", { class: "ticket-row", href: link([kind, String(toId(row[2]))]) }, el("span", { class: "ticket-title", dir: "auto" }, row[1]), el("span", { class: "muted" }, `#${toId(row[2])} · `, priorityWord(row[3]), " · ", when(row[19])), stateChip(row[12])))))
      : el("p", { class: "empty" }, t("Nothing is open. Make one from a ticket.")));
  return { title: title(), root };
};

const oneOf = (kind) => async (ctx, { id: text }) => {
  const { type, key } = KINDS[kind];
  const id = toId(text);
  if (!id) throw new Trouble("missing");
  const other = kind === "problems" ? "Problem_Ticket" : "Change_Ticket";
  const [{ clean }, one, followups, solutions, tickets, crossed] = await Promise.all([cleaner(), item(`${type}/${id}`, { "add_keys_names[]": ["users_id_recipient", "itilcategories_id"] }, ctx.signal),
    items(`${type}/${id}/ITILFollowup`, ["users_id"], ctx.signal), items(`${type}/${id}/ITILSolution`, ["users_id"], ctx.signal), items(`${type}/${id}/${other}`, ["tickets_id"], ctx.signal),
    items(`${type}/${id}/Change_Problem`, [kind === "problems" ? "changes_id" : "problems_id"], ctx.signal)]);
  const said = el("div", { class: "said" });
  const across = kind === "problems" ? ["changes", "changes_id"] : ["problems", "problems_id"];
  const number = el("input", { id: "link-ticket", inputmode: "numeric" });
  const root = el("article", { class: "ticket" }, el("p", { class: "back" }, el("a", { href: `#/${kind}` }, KINDS[kind].title())), el("h1", { dir: "auto" }, one.name), el("p", { class: "row wrap" }, el("span", { class: "mono" }, `#${id}`), stateChip(one.status), signal(one.priority), when(one.date)), said,
    el("section", {}, el("h2", {}, t("Tickets")), tickets.length ? el("ul", {}, tickets.map((each) => el("li", {}, el("a", { href: link(["tickets", String(each.tickets_id)]), dir: "auto" }, `#${each.tickets_id} ${each._names?.tickets_id || ""}`)))) : el("p", { class: "muted" }, t("None yet.")),
      may(type.toLowerCase(), UPDATE | CREATE) && el("div", { class: "row wrap" }, el("label", { for: "link-ticket" }, t("Ticket number")), number, deed(t("Link it"), said, async () => {
        const other_ = toId(number.value.trim());
        if (!other_) { number.focus(); return false; }
        await add(other, { [key]: id, tickets_id: other_ });
        await ctx.again();
        return true;
      }, { done: t("Linked.") }))),
    crossed.length > 0 && el("section", {}, el("h2", {}, t("Linked")), el("ul", {}, crossed.map((each) => el("li", {}, el("a", { href: link([across[0], String(each[across[1]])]), dir: "auto" }, nameOfLink(across[0], each[across[1]], each._names?.[across[1]])))))),
    kind === "problems" && may("change", CREATE) && settings.features.changes && el("p", {}, deed(t("Make a change of it"), said, async () => {
      if (!await confirm(t("Make a change of this problem?"), t("Yes, make it"))) return false;
      const made = await add("Change", { name: one.name, content: one.content, urgency: one.urgency, impact: one.impact, entities_id: one.entities_id });
      await linked("Change_Problem", { changes_id: made, problems_id: id });
      go(link(["changes", String(made)]));
      return true;
    })),
    el("section", {}, el("h2", {}, t("Conversation")), conversation(entries(one, followups, solutions), clean, type, id, ctx.signal)),
    el("div", { class: "answer" }, composer({ place: `${type}-${id}`, itemtype: type, itemsId: id, heading: t("Add to it"), button: t("Keep note"), send: followup(type, id, followups), afterwards: () => ctx.again() })));
  return { title: `#${id} ${one.name}`, root };
};

// -- people --

async function peopleView(ctx) {
  const rows = await items("Profile_User", ["users_id", "profiles_id", "entities_id"], ctx.signal);
  const named = await people();
  const profiles = new Map(rows.map((row) => [row.profiles_id, row._names?.profiles_id]));
  const entities = new Map(rows.map((row) => [row.entities_id, row._names?.entities_id]));
  const said = el("div", { class: "said" });
  const pick = (id, map) => el("select", { id }, [...map].sort((a, b) => String(a[1]).localeCompare(String(b[1]))).map(([value, name]) => el("option", { value: String(value) }, name || `#${value}`)));
  const who = pick("grant-who", named), what = pick("grant-what", profiles), where = pick("grant-where", entities);
  const words = (select) => select.selectedOptions[0]?.textContent || "";
  const grant = may("user", UPDATE) && el("section", { class: "composer" }, el("h2", {}, t("Give a profile")), el("div", { class: "two" }, field(t("Who"), who), field(t("Profile"), what), field(t("Entity"), where)),
    deed(t("Give it"), said, async () => {
      if (!await confirm(t("Give {who} the profile {what} in {where}?", { who: words(who), what: words(what), where: words(where) }), t("Yes, give it"))) return false;
      await add("Profile_User", { users_id: Number(who.value), profiles_id: Number(what.value), entities_id: Number(where.value), is_recursive: 1 });
      await ctx.again();
      return true;
    }, { style: "primary", done: t("Given.") }));
  const table = el("table", { class: "board people" }, el("thead", {}, el("tr", {}, [t("Who"), t("Profile"), t("Entity"), ""].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, rows.map((row) => el("tr", {},
    el("td", { dir: "auto" }, named.get(row.users_id) || row._names?.users_id || `#${row.users_id}`), el("td", {}, row._names?.profiles_id), el("td", {}, row._names?.entities_id),
    el("td", {}, may("user", UPDATE) && deed(t("Take away"), said, async () => {
      if (!await confirm(t("Take the profile {what} from {who}?", { what: row._names?.profiles_id, who: named.get(row.users_id) || row._names?.users_id }), t("Yes, take it away"), true)) return false;
      await remove("Profile_User", row.id);
      await ctx.again();
      return true;
    }, { done: t("Taken away.") }))))));
  return { title: t("People"), root: el("section", {}, el("h1", {}, t("People and profiles")), said, grant || null, table) };
}

// -- the bridge --

async function bridge(ctx) {
  const { root, at } = view("bridge");
  async function read() {
    const answer = await fetch("/panel/health.json", { cache: "no-store", credentials: "omit", signal: ctx.signal }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    at.none.hidden = Boolean(found);
    at.facts.hidden = !found;
    if (!found) { at.state.replaceChildren(); return; }
    const age = now() - Date.parse(found.at);
    const stale = age > 3 * (found.interval_seconds || 60) * 1000;
    const bad = stale || !found.ok;
    at.state.replaceChildren(el("p", { class: `notice ${bad ? "bad" : "ok"}` }, icon(bad ? "alert" : "check"), stale ? t("This state is old: it was written {ago}.", { ago: ago(Date.parse(found.at)) }) : found.ok ? t("Everything is delivered.") : t("It needs a person: `glpi-bridge status` on the monitoring server says what to do.")));
    const time = (value) => (value ? el("time", { datetime: value }, `${ago(Date.parse(value))} (${exact(Date.parse(value))})`) : t("never"));
    const lasted = (seconds) => (seconds === null ? "–" : el("time", { datetime: `PT${Math.round(seconds)}S` }, span(seconds * 1000)));
    const facts = [[t("Alerts so far"), String(found.alerts)], [t("Waiting alerts"), String(found.waiting)], [t("Oldest of them"), lasted(found.oldest_seconds)], [t("Parked"), String(found.parked)], [t("In doubt"), String(found.in_doubt)], [t("Last delivery"), time(found.last_pass)], [t("Last sync"), time(found.last_sync)], [t("Versions"), Object.entries(found.versions || {}).map(([name, value]) => `${name} ${value}`).join(", ")]];
    at.facts.replaceChildren(...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  }
  await read();
  ctx.every(30_000, read);
  return { title: t("Bridge"), root };
}

begin([
  [["sign-in"], signInView], [["board"], board], [["new"], create], [["tickets", ":id"], ticket], [["problems"], listOf("problems")], [["problems", ":id"], oneOf("problems")],
  [["changes"], listOf("changes")], [["changes", ":id"], oneOf("changes")], [["people"], peopleView], [["bridge"], bridge], [["me"], meView], [["event", ":source", ":eventid"], eventView],
], "#/board");
