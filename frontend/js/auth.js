// Who is signed in: the token lives in this tab (sessionStorage) and is handed to new tabs; never in an address, a log
// or localStorage.
const KEY = "session";

/** Bits of GLPI's rights. */
export const UPDATE = 2, CREATE = 4, READALL = 1024, ASSIGN = 8192, STEAL = 16384, OWN = 32768, SEEPRIVATE = 8192;

let session = null;
let channel = null;
const listeners = new Set();

export function current() { return session; }
export function onChange(listener) { listeners.add(listener); }
function tell(what) { for (const one of listeners) one(what); }

/** Whether the profile has any of these bits of a right. */
export function may(right, bits) { return Boolean((session?.rights?.[right] ?? 0) & bits); }
export function isCentral() { return session?.interface === "central"; }

/** What a page keeps of GLPI's session: names, numbers and rights. */
export function summary(token, full, offset, skew = 0) {
  const profile = full.glpiactiveprofile || {};
  const rights = Object.fromEntries(Object.entries(profile).filter(([, value]) => Number.isInteger(value)));
  return {
    token, offset, skew, rights,
    firstNameFirst: String(full.glpinames_format) === "1",
    is11: "2fa_enforced" in profile,
    interface: profile.interface || "",
    profile: { id: profile.id || 0, name: profile.name || "" },
    profiles: Object.entries(full.glpiprofiles || {}).map(([id, one]) => ({ id: Number(id), name: one.name })),
    entity: { id: full.glpiactive_entity ?? 0, name: full.glpiactive_entity_name || "" },
    entities: Object.values(profile.entities || {}).map((one) => ({ id: one.id, name: one.name })),
    active: Object.values(full.glpiactiveentities || {}).map(Number),
    user: {
      id: full.glpiID, login: full.glpiname,
      name: [full.glpifirstname, full.glpirealname].filter(Boolean).join(" ") || full.glpiname,
    },
  };
}

/** A person's name as GLPI writes it: surname first, or first name first where the signed-in person chose that. */
export function personName(surname, first) {
  return (session?.firstNameFirst ? [first, surname] : [surname, first]).filter(Boolean).join(" ");
}

export function start(found, silent = false) {
  session = found;
  try { sessionStorage.setItem(KEY, JSON.stringify(found)); } catch { /* lasts as long as the page */ }
  tell("in");
  if (!silent) channel?.postMessage({ kind: "in", session: found });
}

export function forget(why = "out") {
  session = null;
  try { sessionStorage.removeItem(KEY); } catch { /* nothing kept */ }
  tell(why);
}

/** Sign out in every tab. */
export function leaveEverywhere() {
  channel?.postMessage({ kind: "out" });
  forget("out");
}

/** Find a session of this tab, or of another one that is open. */
export async function find() {
  if (typeof BroadcastChannel !== "undefined") {
    channel = new BroadcastChannel("glpi-site");
    channel.addEventListener("message", ({ data }) => {
      if (data.kind === "ask" && session) channel.postMessage({ kind: "have", session });
      if (data.kind === "out") forget("out");
      if (data.kind === "in" && !session) start(data.session, true);
      if (data.kind === "active") active = Date.now();
    });
  }
  try { session = JSON.parse(sessionStorage.getItem(KEY) || "null"); } catch { session = null; }
  if (session || !channel) return session;
  return new Promise((done) => {
    const late = setTimeout(() => done(null), 150);
    const hear = ({ data }) => {
      if (data.kind !== "have" || session) return;
      clearTimeout(late);
      channel.removeEventListener("message", hear);
      start(data.session, true);
      done(session);
    };
    channel.addEventListener("message", hear);
    channel.postMessage({ kind: "ask" });
  });
}

// -- idle: warned two minutes before --
let active = Date.now();
export function watchIdle(minutes, warn, leave) {
  let told = 0;
  for (const event of ["pointerdown", "keydown"]) {
    addEventListener(event, () => {
      active = Date.now();
      if (active - told > 20_000) { told = active; channel?.postMessage({ kind: "active" }); }
    }, { passive: true, capture: true });
  }
  setInterval(() => {
    if (!session) return;
    const idle = (Date.now() - active) / 60_000;
    if (idle >= minutes) leave();
    else warn(idle >= minutes - 2);
  }, 10_000);
}
export function touch() { active = Date.now(); }
