// /portal/ and /panel/: to the reader's language.
const codes = document.documentElement.dataset.languages.split(" ");
let chosen = null;
try { chosen = localStorage.getItem("site:language"); } catch { /* then by the browser */ }
const wishes = [chosen, ...navigator.languages].filter(Boolean).map((one) => one.slice(0, 2).toLowerCase());
location.replace(`${wishes.find((one) => codes.includes(one)) || codes[0]}/${location.hash}`);
