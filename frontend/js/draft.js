// What was typed and not sent, kept in this browser for one person and one place.
const PREFIX = "draft:";
const DAYS = 30 * 86_400_000;

function name(user, place) { return `${PREFIX}${user}:${place}`; }

export function saveDraft(user, place, value, store = localStorage) {
  try {
    const empty = Object.values(value).every((one) => !one);
    if (empty) store.removeItem(name(user, place));
    else store.setItem(name(user, place), JSON.stringify({ at: Date.now(), value }));
  } catch { /* full or forbidden: the page still has it */ }
}

export function readDraft(user, place, store = localStorage) {
  try {
    const found = JSON.parse(store.getItem(name(user, place)) || "null");
    return found && Date.now() - found.at < DAYS ? found.value : null;
  } catch { return null; }
}

export function dropDraft(user, place, store = localStorage) {
  try { store.removeItem(name(user, place)); } catch { /* nothing to drop */ }
}

/** All of one person's, at an explicit sign-out. */
export function dropAllDrafts(user, store = localStorage) {
  try {
    for (const key of Object.keys(store)) if (key.startsWith(`${PREFIX}${user}:`)) store.removeItem(key);
  } catch { /* nothing to drop */ }
}
