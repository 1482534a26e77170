// Words: English in the code, the reader's language from one file.
let words = {};
let lang = "en";

export function language() { return lang; }
export function setWords(code, found) { lang = code; words = found; }

/** Fetch the words of a language. */
export async function loadWords(code, address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error("words");
  setWords(code, await answer.json());
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

/** A sentence, with {names} filled in. */
export function t(english, values = {}) {
  return fill(words[english] || english, values);
}

/** A sentence about a number; {n} is the number. */
export function nt(one, many, n, values = {}) {
  const forms = words[one] || [one, many];
  const at = new Intl.PluralRules(lang).select(n) === "one" ? 0 : 1;
  return fill(forms[at], { n: new Intl.NumberFormat(lang).format(n), ...values });
}
