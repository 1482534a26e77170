// Choosing files: checked before anything is sent, as GLPI refuses them late and silently.
import { announce, el, icon } from "./dom.js";
import { nt, t } from "./i18n.js";
import { bytes } from "./time.js";
import { explain } from "./trouble.js";

const MOST_AT_ONCE = 20_000_000;

/** Why a file would be refused, or "". `limits` is {bytes, extensions}. */
export function refusal(file, limits) {
  const extension = (/\.([^.]+)$/.exec(file.name) || ["", ""])[1].toLowerCase();
  if (!file.size) return t("{name} is empty.", { name: file.name });
  if (limits?.bytes && file.size > limits.bytes) {
    return t("{name} is larger than {size}.", { name: file.name, size: bytes(limits.bytes) });
  }
  if (!extension) return t("{name} has no ending that says what it is.", { name: file.name });
  if (limits?.extensions?.length && !limits.extensions.includes(extension)) {
    return t("Files of the kind .{ending} are not taken ({name}).", { ending: extension, name: file.name });
  }
  return "";
}

let numbers = 0;

/** A picker: button, drop, paste. `files()` is what is chosen. */
export function picker(limits, listenTo) {
  let chosen = [];
  numbers += 1;
  const id = `files-${numbers}`;
  const input = el("input", { type: "file", id, multiple: true, class: "only-read", onchange: () => { take(input.files); input.value = ""; } });
  const list = el("ul", { class: "files" });
  const said = el("div", { role: "alert", class: "said" });
  const root = el("div", { class: "picker" }, input, el("label", { for: id, class: "button quiet" }, icon("clip"), t("Add files")), 
    el("span", { class: "hint" }, t("or paste a screenshot")), list, said);

  function take(found) {
    const faults = [];
    for (const file of found) {
      const all = chosen.reduce((sum, one) => sum + one.size, file.size);
      const why = refusal(file, limits()) || (all > MOST_AT_ONCE && explain({ kind: "large" }));
      if (why) faults.push(why);
      else chosen.push(unique(file));
    }
    said.replaceChildren(...faults.map((why) => el("p", { class: "fault" }, `${t("Error")}: ${why}`)));
    draw();
    if (!faults.length && chosen.length) announce(nt("{n} file chosen", "{n} files chosen", chosen.length));
  }
  function unique(file) {
    const taken = new Set(chosen.map((one) => one.name));
    if (!taken.has(file.name)) return file;
    let name = file.name;
    for (let n = 2; taken.has(name); n += 1) name = file.name.replace(/(\.[^.]+)$/, `-${n}$1`);
    return new File([file], name, { type: file.type });
  }
  function draw() {
    list.replaceChildren(...chosen.map((file) => el("li", {}, icon("clip"), el("span", { dir: "auto" }, file.name), " ",
      el("span", { class: "muted" }, bytes(file.size)),
      el("button", { type: "button", class: "button tiny", "aria-label": t("Remove {name}", { name: file.name }), onclick: () => {
        chosen = chosen.filter((one) => one !== file);
        draw();
        input.focus();
      } }, icon("x")))));
  }
  listenTo.addEventListener("paste", (event) => {
    const found = [...(event.clipboardData?.files || [])].map((file) => (file.name === "image.png"
      ? new File([file], `${t("screenshot")}-${chosen.length + 1}.png`, { type: file.type }) : file));
    if (found.length) { event.preventDefault(); take(found); }
  });
  listenTo.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("over"); });
  listenTo.addEventListener("dragleave", () => root.classList.remove("over"));
  listenTo.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("over");
    take(event.dataTransfer?.files || []);
  });
  return { root, files: () => chosen, clear: () => { chosen = []; draw(); }, input };
}
