// The address that Zabbix and mails carry: #/event/SOURCE/EVENTID opens the event's ticket.
import { search } from "./api.js";
import { el } from "./dom.js";
import { t } from "./i18n.js";
import { link } from "./route.js";
import { plain, toId } from "./text.js";

/** Whether a text has the marker whole, not as the beginning of a longer one. */
export function hasMarker(text, source, eventid) {
  const escaped = `zabbix ${source}/${eventid}`.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return new RegExp(`(?:^|[^\\w./-])${escaped}(?![\\w/.-])`).test(plain(text));
}

export async function eventView(ctx, { source, eventid }) {
  const fine = /^[A-Za-z0-9.-]{1,64}$/.test(source) && /^[0-9]{1,20}$/.test(eventid);
  const marker = `zabbix ${source}/${eventid}`;
  const found = fine ? await search("Ticket", { criteria: [[21, "contains", marker], [25, "contains", marker, "OR"]], fields: [2, 1, 21, 25], sort: 2, count: 50, signal: ctx.signal }) : { rows: [] };
  const exact = found.rows.filter((row) => [row[21], row[25]].flat().some((text) => text && hasMarker(text, source, eventid)));
  const id = toId(exact[0]?.[2]);
  if (id) location.replace(link(["tickets", String(id)]));
  return { title: t("Event {id}", { id: eventid }), root: el("section", { class: "narrow" }, el("h1", {}, t("Event {id}", { id: eventid })),
    el("p", {}, id ? t("Opening its ticket.") : t("There is no ticket of this event that you may see.")), el("p", {}, el("a", { class: "button quiet", href: "#/" }, t("Back to start")))) };
}
