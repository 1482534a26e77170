// The only module that knows GLPI's REST API, and that 10 and 11 differ.
import { current, forget, start, summary } from "./auth.js";
import { decodeDeep, sentence } from "./text.js";
import { clockSkew, serverOffset, setClock } from "./time.js";

const READ_MS = 15_000, WRITE_MS = 45_000, TRIES = 3;

/**
 * What went wrong: `kind` is offline, late, away, out, forbidden, missing, refused, large, unknown, off,
 * address or said: then `details` is the sentence for people.
 */
export class Trouble extends Error {
  constructor(kind, { status = 0, code = "", details = "" } = {}) {
    super(kind);
    Object.assign(this, { kind, status, code, details });
  }
}

let site = "portal";
export function setSite(name) { site = name; }

function address(path, query) {
  const pairs = [];
  for (const [name, value] of Object.entries(query || {})) {
    for (const one of Array.isArray(value) ? value : [value]) pairs.push(`${name}=${encodeURIComponent(one)}`);
  }
  return `/${site}/api/${path}${pairs.length ? `?${pairs.join("&")}` : ""}`;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Send once; time-outs and dead lines are Trouble. */
async function send(method, path, { query, json, form, signal, token }) {
  const isRead = method === "GET";
  if (navigator.onLine === false) throw new Trouble("offline"); // nothing was sent
  const limit = AbortSignal.timeout(isRead ? READ_MS : WRITE_MS);
  const headers = { "X-GLPI-Sanitized-Content": "false" };
  if (token) headers["Session-Token"] = token;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(address(path, query), {
      method, headers, body: form ?? (json === undefined ? undefined : JSON.stringify(json)),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: parsed(answer, text) };
  } catch (error) {
    if (signal?.aborted) throw error;
    if (!isRead) throw new Trouble("unknown");
    throw new Trouble(limit.aborted ? "late" : navigator.onLine ? "away" : "offline");
  }
}

function parsed(answer, text) {
  if (!(answer.headers.get("content-type") || "").includes("json")) return undefined;
  try { return JSON.parse(text); } catch { return undefined; }
}

/** Turn an answer that is no success into Trouble. */
export function judge(isRead, status, body) {
  const [code, said] = Array.isArray(body) && typeof body[0] === "string" ? body : ["", ""];
  const more = { status, code, details: sentence(said) };
  if (status >= 200 && status < 300 && body !== undefined) return null;
  if (status === 401 && code !== "ERROR_GLPI_LOGIN" && code !== "ERROR_GLPI_LOGIN_USER_TOKEN") return new Trouble("out", more);
  if (status === 413) return new Trouble("large", more);
  if (code === "ERROR_NOT_ALLOWED_IP") return new Trouble("address", more);
  if (/APP_TOKEN/.test(code) || code === "ERROR_LOGIN_WITH_CREDENTIALS_DISABLED" || (code === "ERROR" && /API/.test(said))) {
    return new Trouble("off", more);
  }
  if (status === 403 || code === "ERROR_RIGHT_MISSING") return new Trouble("forbidden", more);
  if (status === 404) return new Trouble("missing", more);
  if (status >= 400 && status < 500) return new Trouble("refused", more);
  // 503 of the site's own server: no connection to GLPI was made. Anything else may come after the deed.
  return new Trouble(isRead || (status === 503 && code.startsWith("SITE_")) ? "away" : "unknown", more);
}

/** Call GLPI. Reads are tried again twice, writes never. */
export async function call(method, path, options = {}) {
  const isRead = method === "GET";
  const token = "token" in options ? options.token : current()?.token;
  for (let tried = 1; ; tried += 1) {
    let trouble;
    try {
      const { status, headers, body } = await send(method, path, { ...options, token });
      trouble = judge(isRead, status, body);
      if (!trouble) return { status, headers, body };
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      trouble = error;
    }
    if (trouble.kind === "out" && token && token === current()?.token) forget("expired");
    const again = isRead && tried < TRIES && ["late", "away"].includes(trouble.kind);
    if (!again) throw trouble;
    await pause(400 * tried);
  }
}

const shown = (value) => (current()?.is11 ? value : decodeDeep(value));

// -- session --

/** Sign in and keep the session; Trouble "refused" with 401 is a wrong name or password, "profile" needs GLPI's own page. */
export async function signIn(login, password) {
  const first = await call("POST", "initSession", { json: { login, password }, token: null })
    .catch((error) => { throw error.kind === "unknown" ? new Trouble("away", error) : error; });
  const token = first.body?.session_token;
  if (!token) throw new Trouble("away");
  return enter(token);
}

/** Read the session of a token and make it this tab's. */
export async function enter(token) {
  const { body, headers } = await call("GET", "getFullSession", { token });
  const full = body?.session || {};
  if (!full.glpiactiveprofile?.id) {
    call("GET", "killSession", { token }).catch(() => {});
    throw new Trouble("profile");
  }
  const date = headers.get("date");
  const found = summary(token, full, serverOffset(full.glpi_currenttime, date), clockSkew(date));
  setClock(found);
  start(found);
  return found;
}

export async function signOut() {
  const token = current()?.token;
  if (token) await call("GET", "killSession", { token }).catch(() => {});
}

export async function changeProfile(id) {
  await call("POST", "changeActiveProfile", { json: { profiles_id: id } });
  return enter(current().token);
}

export async function changeEntity(id) {
  await call("POST", "changeActiveEntities", { json: { entities_id: id, is_recursive: true } });
  return enter(current().token);
}

// -- reading --

/** One item. */
export async function item(path, query = {}, signal) {
  const { body } = await call("GET", path, { query: { get_hateoas: "false", ...query }, signal });
  return tidy(body);
}

/** What hangs on an item, or a list; names of foreign keys under `_names`. */
export async function items(path, names = [], signal, more = {}) {
  const query = { get_hateoas: "false", range: "0-999", ...more };
  if (names.length) query["add_keys_names[]"] = names;
  try {
    const { body } = await call("GET", path, { query, signal });
    return Object.values(body).map(tidy);
  } catch (error) {
    if (error.code === "ERROR_RANGE_EXCEED_TOTAL") return [];
    throw error;
  }
}

function tidy(row) {
  const names = row?._keys_names;
  if (names) row._names = shown(names);
  return row;
}

/** Search: `criteria` are [field, searchtype, value, link?]; rows have the numbers of `fields` as keys. */
export async function search(itemtype, { criteria = [], fields, sort = 19, order = "DESC", from = 0, count = 50, signal }) {
  const query = { sort, order, range: `${from}-${from + count - 1}` };
  criteria.forEach(([field, type, value, link], at) => {
    if (at) query[`criteria[${at}][link]`] = link || "AND";
    query[`criteria[${at}][field]`] = field;
    query[`criteria[${at}][searchtype]`] = type;
    query[`criteria[${at}][value]`] = value;
  });
  fields.forEach((field, at) => { query[`forcedisplay[${at}]`] = field; });
  try {
    const { body } = await call("GET", `search/${itemtype}`, { query, signal });
    const rows = body.data ? Object.values(body.data) : [];
    return { total: body.totalcount || 0, rows: shown(rows) };
  } catch (error) {
    if (error.code === "ERROR_RANGE_EXCEED_TOTAL") return { total: 0, rows: [] };
    throw error;
  }
}

// -- writing --

/** Make one item; its id. */
export async function add(itemtype, input) {
  const { body } = await call("POST", itemtype, { json: { input } });
  const id = Number(body?.id);
  if (!id) throw new Trouble("unknown");
  return id;
}

/** Make many with one call: for each, in order, its id or 0, and GLPI's words. */
export async function addMany(itemtype, list) {
  let body;
  try {
    ({ body } = await call("POST", itemtype, { json: { input: list } }));
  } catch (error) {
    if (!(error instanceof Trouble) || error.kind !== "refused") throw error;
    return list.map(() => ({ id: 0, said: error.details }));
  }
  const rows = Array.isArray(body) && typeof body[0] === "string" ? body[1] : body;
  return list.map((_, at) => ({ id: Number(rows?.[at]?.id) || 0, said: sentence(rows?.[at]?.message) }));
}

/** Take away many with one call: for each, in order, its id or 0, and GLPI's words. */
export async function removeMany(itemtype, ids) {
  let body;
  try {
    ({ body } = await call("DELETE", itemtype, { json: { input: ids.map((id) => ({ id })) } }));
  } catch (error) {
    if (!(error instanceof Trouble) || error.kind !== "refused") throw error;
    return ids.map(() => ({ id: 0, said: error.details }));
  }
  const rows = Array.isArray(body) && typeof body[0] === "string" ? body[1] : body;
  return ids.map((id) => {
    const row = Array.isArray(rows) && rows.find((one) => id in one);
    return { id: row && row[id] === true ? id : 0, said: row ? sentence(row.message) : "" };
  });
}

export async function change(itemtype, id, input) {
  await call("PUT", `${itemtype}/${id}`, { json: { input } });
}

export async function remove(itemtype, id) {
  await call("DELETE", `${itemtype}/${id}`, {});
}

/** A followup, with files where there are some: one call, a field for each file. */
export async function addFollowup(input, files = []) {
  if (!files.length) return add("ITILFollowup", input);
  const form = new FormData();
  form.append("uploadManifest", JSON.stringify({ input: { ...input, _filename: files.map((file) => file.name) } }));
  files.forEach((file, at) => form.append(`file${at}`, file, file.name));
  const { body } = await call("POST", "ITILFollowup", { form });
  if (!body?.id) throw new Trouble("unknown");
  return Number(body.id);
}

/** A file of a ticket: {blob, name}; Trouble "forbidden" where GLPI shows none. */
export async function file(docid, itemtype, itemsId, signal) {
  const answer = await fetch(`/${site}/file?docid=${docid}&itemtype=${itemtype}&items_id=${itemsId}`, {
    headers: { "Session-Token": current()?.token || "" }, credentials: "omit", cache: "no-store", redirect: "error", signal,
  }).catch((error) => { throw signal?.aborted ? error : new Trouble(navigator.onLine ? "away" : "offline"); });
  if (!answer.ok || !answer.headers.get("content-disposition")) {
    await call("GET", "getFullSession"); // signed out, or refused?
    throw new Trouble(answer.status === 404 ? "missing" : "forbidden", { status: answer.status });
  }
  return answer.blob();
}
