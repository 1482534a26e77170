// The only module that touches other people's HTML. Loaded with the first ticket.
import "./purify.js";

const TAGS = ["p", "br", "hr", "div", "span", "b", "strong", "i", "em", "u", "s", "small", "sub", "sup", "blockquote", "pre",
  "code", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "a", "img",
  "h1", "h2", "h3", "h4", "h5", "h6", "del", "ins", "kbd"];
const ATTRIBUTES = ["href", "src", "alt", "title", "colspan", "rowspan", "lang", "dir"];
const LARGEST = 2_500_000;
const SETTINGS = {
  ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ATTRIBUTES, ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|\/|#)/i, RETURN_DOM_FRAGMENT: true, KEEP_CONTENT: true,
  FORBID_CONTENTS: ["script", "style", "template", "noscript", "iframe", "svg", "math", "title", "textarea", "select"],
};

/** The number of a GLPI document in an address, or 0. */
export function documentOf(source) {
  const found = /(?:^|\/)front\/document\.send\.php\?(?:[^#]*&)?docid=([1-9][0-9]{0,9})(?:&|$)/.exec(source || "");
  return found ? Number(found[1]) : 0;
}

/** GLPI's HTML as a fragment that may be shown; `image(docid, alt)` gives what stands for one of its images. */
export function clean(html, image) {
  const text = String(html ?? "");
  const parsed = globalThis.DOMPurify.sanitize(text.slice(0, LARGEST), SETTINGS);
  for (const heading of parsed.querySelectorAll("h1,h2,h3,h4,h5,h6")) rename(heading, "p").className = "said-heading";
  for (const link of parsed.querySelectorAll("a[href]")) {
    link.rel = "noopener noreferrer nofollow";
    if (/^https?:/i.test(link.getAttribute("href"))) link.target = "_blank";
    else if (link.getAttribute("href").startsWith("#")) link.removeAttribute("href");
  }
  for (const picture of parsed.querySelectorAll("img")) picture.replaceWith(inPlace(picture, image));
  for (const table of parsed.querySelectorAll("table")) {
    const box = document.createElement("div");
    box.className = "wide";
    box.tabIndex = 0;
    table.replaceWith(box);
    box.append(table);
  }
  return parsed;
}

function rename(node, tag) {
  const other = document.createElement(tag);
  other.append(...node.childNodes);
  node.replaceWith(other);
  return other;
}

/** What stands for a picture: GLPI's own by its number, one from elsewhere a link, never a request. */
function inPlace(picture, image) {
  const source = picture.getAttribute("src") || "";
  const words = picture.getAttribute("alt") || "";
  const docid = documentOf(source);
  if (docid && image) return image(docid, words);
  if (/^https?:/i.test(source)) {
    const link = document.createElement("a");
    link.href = source;
    link.rel = "noopener noreferrer nofollow";
    link.target = "_blank";
    link.textContent = words || source;
    return link;
  }
  return document.createTextNode(words);
}
