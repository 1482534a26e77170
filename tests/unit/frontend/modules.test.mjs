// Unit tests of the sites' modules, by node's runner.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.localStorage = new (class {
  getItem(key) { return this[key] ?? null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
})();
globalThis.sessionStorage = globalThis.localStorage;
globalThis.navigator ??= { onLine: true };
const js = new URL("../../../frontend/js/", import.meta.url);
const text = await import(new URL("text.js", js));
const time = await import(new URL("time.js", js));
const route = await import(new URL("route.js", js));
const draft = await import(new URL("draft.js", js));
const files = await import(new URL("files.js", js));
const api = await import(new URL("api.js", js));
const auth = await import(new URL("auth.js", js));
const i18n = await import(new URL("i18n.js", js));
const event = await import(new URL("event.js", js));
const board = await import(new URL("panel/board.js", js));

function random(seed) {
  let state = seed;
  return () => { state = (state * 1103515245 + 12345) % 2147483648; return state / 2147483648; };
}

test("decoding undoes encoding for any text, once", () => {
  const next = random(7);
  const signs = ["&", "<", ">", "#", ";", "3", "8", "6", "0", "a", "é", "🔥", "&#38;", "&#60;", "&amp;"];
  for (let n = 0; n < 2000; n += 1) {
    const sample = Array.from({ length: Math.floor(next() * 12) }, () => signs[Math.floor(next() * signs.length)]).join("");
    assert.equal(text.decodeOnce(text.encodeOnce(sample)), sample);
  }
  assert.equal(text.decodeOnce("&#38;#60;"), "&#60;");
});

test("typed text is escaped, lines stay, control bytes go", () => {
  assert.equal(text.toHtml("a <b> & \"c\"\r\nd\u0007\n\ne"), "<p>a &lt;b&gt; &amp; &quot;c&quot;<br>d</p><p>e</p>");
});

test("only a plain positive number is an id", () => {
  for (const odd of ["0", "-1", "1/../2", "01", "1e3", "12345678901", "", null, undefined, "1 "]) assert.equal(text.toId(odd), 0);
  assert.equal(text.toId("42"), 42);
});

test("a sentence of GLPI is plain text, and one about its database is not shown", () => {
  assert.equal(text.sentence("You can&#039;t add"), "You can't add");
  assert.equal(text.sentence("MySQL query error: x"), "");
});

test("a title is cut by code points, not in the middle of a sign", () => {
  assert.equal(Array.from(text.cut("🔥".repeat(300), 255)).length, 255);
});

test("a read that hangs ends after 15 s and is tried thrice, a write after 45 s once", async () => {
  const kept = { timeout: AbortSignal.timeout, fetch: globalThis.fetch, setTimeout: globalThis.setTimeout };
  const limits = [];
  AbortSignal.timeout = (ms) => {
    const soon = new AbortController();
    limits.push(ms);
    kept.setTimeout(() => soon.abort(), 1);
    return soon.signal;
  };
  globalThis.setTimeout = (done) => kept.setTimeout(done, 0);
  globalThis.fetch = (_, { signal }) => new Promise((__, give) => signal.addEventListener("abort", () => give(signal.reason)));
  try {
    await assert.rejects(api.call("GET", "Ticket/1", { token: null }), { kind: "late" });
    assert.deepEqual(limits.splice(0), [15_000, 15_000, 15_000]);
    await assert.rejects(api.call("POST", "Ticket", { json: {}, token: null }), { kind: "unknown" });
    assert.deepEqual(limits, [45_000]);
  } finally {
    AbortSignal.timeout = kept.timeout;
    Object.assign(globalThis, { fetch: kept.fetch, setTimeout: kept.setTimeout });
  }
});

test("words are found without case and accents", () => {
  assert.ok(text.finds("Impresora del SALÓN", "salon impres"));
  assert.ok(!text.finds("Impresora", "salon"));
});

test("the server's offset is rounded to a quarter of an hour", () => {
  assert.equal(time.serverOffset("2026-11-25 10:00:03", "Wed, 25 Nov 2026 08:00:00 GMT"), 2 * 3600_000);
  assert.equal(time.serverOffset("2026-11-25 13:45:10", "Wed, 25 Nov 2026 08:00:00 GMT"), 5.75 * 3600_000);
  time.setClock({ offset: 2 * 3600_000, skew: 0 });
  assert.equal(time.instant("2026-11-25 10:00:00"), Date.parse("2026-11-25T08:00:00Z"));
  assert.equal(time.asGlpi(Date.parse("2026-11-25T08:00:00Z")), "2026-11-25 10:00:00");
  assert.ok(Number.isNaN(time.instant(null)));
});

test("an address survives the way there and back", () => {
  const made = route.link(["tickets", "5"], { q: "a&b=c #d", page: 2, state: "" });
  const { parts, query } = route.parse(made);
  assert.deepEqual(parts, ["tickets", "5"]);
  assert.equal(query.get("q"), "a&b=c #d");
  assert.equal(query.has("state"), false);
  assert.deepEqual(route.match(["tickets", ":id"], parts), { id: "5" });
  assert.equal(route.match(["tickets"], parts), null);
  assert.deepEqual(route.parse("#/%E0%A4%A").parts, ["%E0%A4%A"]);
});

test("a draft belongs to one person, and an empty one is none", () => {
  draft.saveDraft(8, "reply-5", { text: "hello" });
  assert.deepEqual(draft.readDraft(8, "reply-5"), { text: "hello" });
  assert.equal(draft.readDraft(9, "reply-5"), null);
  draft.saveDraft(8, "reply-5", { text: "" });
  assert.equal(draft.readDraft(8, "reply-5"), null);
  draft.saveDraft(8, "a", { text: "x" });
  draft.saveDraft(9, "a", { text: "y" });
  draft.dropAllDrafts(8);
  assert.equal(draft.readDraft(8, "a"), null);
  assert.deepEqual(draft.readDraft(9, "a"), { text: "y" });
});

test("a file is judged by ending, size and emptiness before it is sent", () => {
  const limits = { bytes: 1000, extensions: ["png"] };
  assert.equal(files.refusal({ name: "a.PNG", size: 10 }, limits), "");
  for (const bad of [{ name: "a.exe", size: 10 }, { name: "a.png", size: 0 }, { name: "a.png", size: 2000 }, { name: "a", size: 1 }]) {
    assert.notEqual(files.refusal(bad, limits), "");
  }
});

test("each kind of answer is read as what it means", () => {
  const kinds = [
    [true, 200, {}, null], [true, 206, [], null], [false, 201, { id: 1 }, null], [false, 207, ["ERROR_GLPI_PARTIAL_ADD", []], null],
    [true, 200, undefined, "away"], [false, 200, undefined, "unknown"], [false, 500, undefined, "unknown"], [false, 503, ["SITE_GLPI_AWAY", ""], "away"],
    [false, 504, ["SITE_GLPI_LATE", ""], "unknown"], [true, 401, ["ERROR_SESSION_TOKEN_INVALID", ""], "out"], [false, 401, ["ERROR_GLPI_LOGIN", ""], "refused"],
    [true, 403, ["ERROR_RIGHT_MISSING", ""], "forbidden"], [true, 404, ["ERROR_ITEM_NOT_FOUND", ""], "missing"], [false, 413, ["SITE_TOO_LARGE", ""], "large"],
    [false, 400, ["ERROR_GLPI_ADD", "no"], "refused"], [true, 400, ["ERROR_NOT_ALLOWED_IP", ""], "address"], [true, 400, ["ERROR", "API disabled"], "off"],
  ];
  for (const [isRead, status, body, kind] of kinds) assert.equal(api.judge(isRead, status, body)?.kind ?? null, kind, `${status} ${JSON.stringify(body)}`);
});

test("rights are bits of the profile, and the version is told by it", () => {
  const full = { glpiID: 8, glpiname: "x", glpiactiveprofile: { id: 1, name: "P", interface: "central", ticket: 4 | 8192, "2fa_enforced": 0 } };
  auth.start(auth.summary("token", full, 0), true);
  assert.ok(auth.may("ticket", auth.ASSIGN));
  assert.ok(!auth.may("ticket", auth.UPDATE));
  assert.ok(!auth.may("problem", auth.CREATE));
  assert.ok(auth.current().is11);
});

test("words are filled in, and numbers choose their form", () => {
  i18n.setWords("fr", { "{n} ticket": ["{n} ticket", "{n} tickets"], "Hello {name}": "Bonjour {name}" });
  assert.equal(i18n.nt("{n} ticket", "{n} tickets", 0), "0 ticket");
  assert.equal(i18n.nt("{n} ticket", "{n} tickets", 2), "2 tickets");
  assert.equal(i18n.t("Hello {name}", { name: "{x} & $1" }), "Bonjour {x} & $1");
  i18n.setWords("en", {});
});

test("an event's marker is met whole only", () => {
  assert.ok(event.hasMarker("<p>x</p><p><small>zabbix prod/123</small></p>", "prod", "123"));
  for (const other of ["zabbix prod/1234", "zabbix prod/123/n1", "zabbix xprod/123", "zabbix prod/12"]) assert.ok(!event.hasMarker(`<p>${other}</p>`, "prod", "123"), other);
});

test("a name is written as GLPI writes it for who is signed in", () => {
  const full = { glpiID: 9, glpiname: "x", glpiactiveprofile: { id: 1, name: "P" } };
  for (const [format, name] of [["0", "Durand Paul"], [1, "Paul Durand"], [undefined, "Durand Paul"]]) {
    auth.start(auth.summary("token", { ...full, glpinames_format: format }, 0), true);
    assert.equal(auth.personName("Durand", "Paul"), name);
  }
  assert.equal(auth.personName("", "Paul"), "Paul");
});

test("many are taken away with one call, and each is told apart", async () => {
  const sent = [];
  const answers = [
    [200, [{ 5: true, message: "" }, { 6: true, message: "" }], [{ id: 5, said: "" }, { id: 6, said: "" }]],
    [207, ["ERROR_GLPI_PARTIAL_DELETE", [{ 5: true, message: "" }, { 6: false, message: "Item not found" }]], [{ id: 5, said: "" }, { id: 0, said: "Item not found" }]],
    [207, ["ERROR_GLPI_PARTIAL_DELETE", [{ 5: true, message: "" }]], [{ id: 5, said: "" }, { id: 0, said: "" }]],
    [400, ["ERROR_GLPI_DELETE", "No right"], [{ id: 0, said: "No right" }, { id: 0, said: "No right" }]],
  ];
  for (const [status, body, read] of answers) {
    globalThis.fetch = async (address, { method, body: told }) => {
      sent.push([method, address, told]);
      return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
    };
    assert.deepEqual(await api.removeMany("Ticket_User", [5, 6]), read);
  }
  assert.equal(sent.length, answers.length);
  assert.deepEqual(sent[0], ["DELETE", "/portal/api/Ticket_User", '{"input":[{"id":5},{"id":6}]}']);
});

test("only what is mine is given back, and the rest says why", async () => {
  const links = { 1: [{ id: 11, type: 2, users_id: 9 }], 2: [{ id: 12, type: 1, users_id: 9 }, { id: 13, type: 2, users_id: 2 }], 4: [{ id: 14, type: 2, users_id: 9 }] };
  const taken = [];
  const by = {
    read: async (path) => { const rows = links[path.split("/")[1]]; if (!rows) throw new api.Trouble("missing"); return rows; },
    take: async (itemtype, ids) => { taken.push([itemtype, ids]); return ids.map((id) => (id === 14 ? { id: 0, said: "No" } : { id, said: "" })); },
  };
  assert.deepEqual(await board.giveBack([1, 2, 3, 4], 9, by), [
    { id: 11, said: "" }, { id: 0, said: "You do not have it." }, { id: 0, said: "This does not exist, or no longer." }, { id: 0, said: "No" }]);
  assert.deepEqual(taken, [["Ticket_User", [11, 14]]]);
  taken.length = 0;
  await board.giveBack([2], 9, by);
  assert.deepEqual(taken, []);
});

test("the board has its queues, its order, and repeats of one alarm under the first", () => {
  const row = (id, title, priority, opened, more = {}) => ({ 1: title, 2: id, 3: priority, 15: opened, 19: opened, 12: 1, 5: null, 8: null, 9: "Helpdesk", ...more });
  const rows = [
    row(1, "old low", 2, "2026-11-01 10:00:00"), row(2, "new high", 5, "2026-11-03 10:00:00"), row(3, "old high", 5, "2026-11-02 10:00:00", { 5: "9" }),
    row(4, "disk", 4, "2026-11-02 11:00:00", { 9: "Monitoring" }), row(5, "disk", 4, "2026-11-02 12:00:00", { 9: "Monitoring", 12: 4, 8: "Systems" }),
  ];
  const ids = (list) => list.map((one) => one[2]);
  assert.deepEqual(ids(rows.toSorted(board.compare("urgent"))), [3, 2, 4, 5, 1]);
  assert.deepEqual(ids(rows.toSorted(board.compare("new"))), [2, 5, 4, 3, 1]);
  const queues = { all: [1, 2, 3, 4, 5], unassigned: [1, 2, 4], mine: [3], monitoring: [4, 5], waiting: [5] };
  for (const [queue, members] of Object.entries(queues)) assert.deepEqual(ids(rows.filter((one) => board.inQueue(queue, one, 9))), members, queue);
  assert.deepEqual(board.folded(rows.toSorted(board.compare("urgent"))).map((one) => [one.row[2], one.more]), [[3, 0], [2, 0], [4, 1], [1, 0]]);
});
