// Forms: what is missing is said on top, with links to the fields; values stay.
import { el } from "./dom.js";
import { t } from "./i18n.js";

/** Show faults [[field, sentence]] in the form's summary and beside the fields; focus the summary. True if none. */
export function fault(form, faults) {
  for (const old of form.querySelectorAll(".fault")) old.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  form.querySelector(".summary")?.remove();
  document.title = document.title.replace(/^[^:]+: (?=.*·)/, (start) => (start === `${t("Error")}: ` ? "" : start));
  if (!faults.length) return true;
  for (const [field, words] of faults) {
    const id = `${field.id}-fault`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", id);
    (field.closest(".field") || field.parentElement).append(el("p", { class: "fault", id }, `${t("Error")}: ${words}`));
  }
  const summary = el("div", { class: "summary notice bad", tabindex: "-1" }, el("div", { role: "alert" },
    el("h2", {}, t("Please look at this again")),
    el("ul", {}, faults.map(([field, words]) => el("li", {}, el("a", {
      href: `#${field.id}`, onclick: (event) => { event.preventDefault(); field.focus(); },
    }, words))))));
  form.prepend(summary);
  document.title = `${t("Error")}: ${document.title}`;
  summary.focus();
  return false;
}

/** A labelled field. */
export function field(label, input, hint = "") {
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return el("div", { class: "field" }, el("label", { for: input.id }, label),
    hint && el("p", { class: "hint", id: `${input.id}-hint` }, hint), input);
}

/** Run work with a button busy, so that nothing is sent twice. */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  button.setAttribute("aria-disabled", "true");
  button.classList.add("busy");
  try { return await work(); } finally {
    button.removeAttribute("aria-disabled");
    button.classList.remove("busy");
  }
}

/** Ask before something happens, in words; true if confirmed. */
export function confirm(question, yes, danger = false) {
  return new Promise((done) => {
    const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-question" },
      el("form", { method: "dialog" }, el("h2", { id: "ask-question" }, question), el("p", { class: "row" },
        el("button", { class: `button ${danger ? "danger" : "primary"}`, value: "yes" }, yes),
        el("button", { class: "button quiet", value: "no" }, t("Cancel")))));
    dialog.addEventListener("close", () => { dialog.remove(); done(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
