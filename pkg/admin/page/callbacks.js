// The list of callbacks: filter, pages, and acts on some or all of them.

import { h, kept } from "./dom.js";
import { t, lang, number, moment, ago, has } from "./text.js";
import { get } from "./api.js";
import { link, callbackQueues, lengthOf } from "./links.js";
import { act } from "./dialog.js";

const acts = ["retry", "park", "unpark", "drop"];
const fitting = { parked: ["unpark", "drop"], due: ["park", "drop"], leased: ["park", "drop"] };

let versions = 0; // of what the list shows

const filterOf = (o, values) => ({
  job: values.job || o.jobs[0]?.name || "", queue: callbackQueues.includes(values.queue) ? values.queue : "slow",
  destination: values.destination || "", first: Number(values.first) || 0, limit: Number(values.limit) || 100,
});

export const callbacksPage = {
  title: () => t("callbacks"),
  every: 10000,
  async load({ values }, { overview, old }) {
    const filter = filterOf(overview, values);
    const page = filter.job ? await get("callbacks", { ...filter, first: filter.first || undefined }) : { callbacks: [], total: 0, next: 0 };
    const here = new Set(page.callbacks.map((c) => c.id));
    const same = old && JSON.stringify(old.filter) === JSON.stringify(filter);
    return { filter, page, chosen: new Set(same ? [...old.chosen].filter((id) => here.has(id)) : []), all: same && old.all, version: ++versions };
  },
  draw(o, loaded, here, reload, redraw) {
    const { filter, page, chosen } = loaded;
    const job = o.jobs.find((j) => j.name === filter.job);
    const to = (change) => { location.hash = link.callbacks({ ...filter, first: 0, ...change }); };
    return [
      h("h1", {}, t("callbacks")),
      filterForm(o, job, filter, to),
      h("p", { class: "dim" }, t("q-" + filter.queue), " · ", t("how-many", { n: number(page.total) })),
      page.callbacks.length ? actions(loaded, job, reload, redraw) : null,
      page.callbacks.length ? kept("table", "callbacks", loaded.version + lang(), () => list(loaded, redraw, o.rows)) : h("p", {}, page.next ? t("nothing-on-page") : t("nothing")),
      pager(filter, page),
    ];
  },
};

function filterForm(o, job, filter, to) {
  const choice = (label, name, options) => h("label", {}, t(label), h("select", { name, onchange: (e) => to({ [name]: e.target.value, ...(name === "job" ? { destination: "" } : {}) }) },
    options.map(([value, text]) => h("option", { value, selected: String(value) === String(filter[name]) }, text))));
  return h("form", { class: "filter", onsubmit: (e) => e.preventDefault() },
    choice("job", "job", o.jobs.map((j) => [j.name, j.name])),
    choice("queue", "queue", callbackQueues.map((q) => [q, job ? `${q} (${number(lengthOf(job, q))})` : q])),
    choice("destination", "destination", [["", t("all")], ...(job?.destinations || []).map((d) => [d.name, d.name])]),
    choice("rows-per-page", "limit", [100, 250, 1000].map((n) => [n, n])));
}

function actions(loaded, job, reload, redraw) {
  const { filter, page, chosen } = loaded;
  const exact = !filter.destination || filter.queue === "due" || (job?.destinations || []).length < 2;
  const everything = exact ? t("all-matching", { n: number(page.total) }) : t("all-matching-some", { destination: filter.destination });
  const some = t("selected", { n: number(chosen.size) });
  const about = loaded.all
    ? [{ job: filter.job, queue: filter.queue, destination: filter.destination || undefined }, everything]
    : [{ job: filter.job, ids: [...chosen] }, some];
  const choose = (all) => () => { loaded.all = all; loaded.version = ++versions; redraw(); };
  return h("div", { class: "acts", role: "group", "aria-label": t("apply-to") },
    h("span", {}, t("apply-to")),
    h("label", { class: "radio" }, h("input", { type: "radio", name: "to", checked: !loaded.all, onchange: choose(false) }), some),
    h("label", { class: "radio" }, h("input", { type: "radio", name: "to", checked: loaded.all, onchange: choose(true), id: "everything" }), everything),
    h("div", { class: "buttons" }, (fitting[filter.queue] || acts.filter((a) => a !== "unpark")).map((name, i) => h("button", {
      class: name === "drop" ? "danger" : i ? "" : "primary", id: "act-" + name, disabled: !loaded.all && !chosen.size,
      onclick: () => act(name, about[0], about[1], () => { chosen.clear(); reload(); }),
    }, t(name)))));
}

function list(loaded, redraw, rows) {
  const { filter, page, chosen, all } = loaded;
  const changed = () => { loaded.version = ++versions; redraw(); };
  const toggle = (id) => (e) => { if (e.target.checked) chosen.add(id); else chosen.delete(id); changed(); };
  const whole = page.callbacks.every((c) => chosen.has(c.id));
  return h("table", { class: "cards callbacks" },
    h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, h("input", {
        type: "checkbox", "aria-label": t("select-page"), title: t("select-page"), checked: whole, disabled: all, id: "select-page",
        onchange: (e) => { page.callbacks.forEach((c) => (e.target.checked ? chosen.add(c.id) : chosen.delete(c.id))); changed(); },
      }), h("label", { class: "wide-hidden", for: "select-page" }, " ", t("select-page"))),
      [t("id"), t("type"), t("attempts"), t("first-seen"), filter.queue === "parked" ? t("since") : t("due"), t("last")].map((x) => h("th", { scope: "col" }, x)))),
    h("tbody", {}, page.callbacks.map((c) => h("tr", { "data-key": c.id },
      h("td", {}, h("input", { type: "checkbox", "aria-label": c.id, checked: all || chosen.has(c.id), disabled: all, onchange: toggle(c.id) })),
      h("th", { scope: "row" }, h("code", {}, c.id), rows ? h("a", { class: "to-row", href: link.row({ job: filter.job, key: c.key }) }, t("row")) : null),
      h("td", { "data-label": t("type") }, has(c.type) ? t(c.type) : c.type), h("td", { "data-label": t("attempts") }, c.attempts),
      h("td", { "data-label": t("first-seen") }, when(c.first_seen)), h("td", { "data-label": filter.queue === "parked" ? t("since") : t("due") }, when(c.due)),
      h("td", { "data-label": t("last"), class: "last" }, lastOf(c))))));
}

const when = (at) => (at ? h("time", { datetime: at, title: moment(at) }, ago(at)) : "–");

function lastOf(c) {
  if (c.hold) return `${t("held-by", { who: c.hold })}${c.why ? ": " + c.why : ""}`;
  if (c.worker) return c.worker;
  return [c.status, c.error].filter(Boolean).join(" ") || "–";
}

function pager(filter, page) {
  const from = filter.first + 1, upto = Math.min(page.total, filter.first + filter.limit);
  if (!filter.first && !page.next) return null;
  return h("nav", { class: "pager", "aria-label": t("callbacks") },
    filter.first ? h("a", { class: "button", href: link.callbacks({ ...filter, first: 0 }) }, t("first-page")) : null,
    h("span", {}, t("page", { from: number(from), to: number(Math.max(upto, from)) })),
    page.next ? h("a", { class: "button", id: "next", href: link.callbacks({ ...filter, first: page.next }) }, t("next")) : null);
}
