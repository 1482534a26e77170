// Building what is shown: text only ever becomes text.

/** An element: `on…` are listeners, `class` and others attributes, true means present, false, null and undefined absent. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false && one !== ""));
  return node;
}

export const SVG = "http://www.w3.org/2000/svg";
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** The content of a <template>, with its named places (`data-at`). */
export function view(name) {
  const root = document.getElementById(`view-${name}`).content.cloneNode(true).firstElementChild;
  const at = {};
  for (const node of root.querySelectorAll("[data-at]")) at[node.dataset.at] = node;
  if (root.dataset.at) at[root.dataset.at] = root;
  return { root, at };
}

/** Say something politely to who listens to the page. */
export function announce(text) {
  const region = document.getElementById("live");
  region.textContent = "";
  requestAnimationFrame(() => { region.textContent = text; });
}

/** A short message at the bottom, which is also announced. */
export function toast(text) {
  const node = el("p", { class: "toast" }, text);
  document.getElementById("toasts").replaceChildren(node);
  announce(text);
  setTimeout(() => node.remove(), 6000);
}

/** Whether a key belongs to what is being typed. */
export function isTyping(target) {
  return target instanceof Element && Boolean(target.closest("input, textarea, select, [contenteditable], dialog"));
}

/** Read and keep small choices; storage may be forbidden. */
export function kept(name) {
  try { return localStorage.getItem(`site:${name}`); } catch { return null; }
}
export function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(`site:${name}`);
    else localStorage.setItem(`site:${name}`, value);
  } catch { /* the choice lasts as long as the page */ }
}
