// Unit tests of the sites' modules, by node's runner.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.localStorage = new (class {
  getItem(key) { return this[key] ?? null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
})();
globalThis.sessionStorage = globalThis.localStorage;
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
