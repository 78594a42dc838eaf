// The first page, and the page of a job.

import { h } from "./dom.js";
import { t, number, short, seconds, ago } from "./text.js";
import { chart } from "./chart.js";
import { link, callbackQueues, rangeQueues, lengthOf, headOf, rangeQueue, rangesIn } from "./links.js";
import { pause, resume, rescan } from "./dialog.js";
import { get } from "./api.js";
import { eventTable } from "./lists.js";

const rate = (n) => short(n) + t("per-second");

// charts are the same for all jobs together and for one.
function charts(points) {
  return h("div", { class: "charts" },
    chart({ id: "rows", title: t("rows-rate"), points, say: rate, series: [{ name: t("rows-rate"), of: (p) => p.rows_per_second, tone: "a" }] }),
    chart({ id: "calls", title: t("calls-rate"), points, say: rate, series: [{ name: t("calls-rate"), of: (p) => p.callbacks_per_second, tone: "a" }] }),
    chart({
      id: "open", title: t("callbacks"), points, say: short,
      series: [
        { name: t("opened"), of: (p) => p.callbacks_open, tone: "a" },
        { name: t("slow"), of: (p) => p.callbacks_slow, tone: "b" },
        { name: t("parked"), of: (p) => p.callbacks_parked, tone: "c" },
      ],
    }),
    chart({ id: "ranges", title: t("waiting-ranges"), points, say: short, series: [{ name: t("waiting-ranges"), of: (p) => p.ranges, tone: "a" }] }),
    chart({ id: "lag-time", title: t("lag-time"), points, say: seconds, series: [{ name: t("lag-time"), of: (p) => p.lag_seconds, tone: "a" }] }),
    chart({ id: "lag-ids", title: t("lag-ids"), points, say: (n) => `${short(n)} ${t("ids")}`, series: [{ name: t("lag-ids"), of: (p) => p.lag_ids, tone: "a" }] }));
}

function stateOf(j) {
  if (j.paused) return h("span", { class: "chip warning", title: j.paused }, t("paused"));
  if (j.retired) return h("span", { class: "chip", title: t("retired-why") }, t("retired"));
  if (!j.leader) return h("span", { class: "chip bad" }, t("no-leader"));
  return h("span", { class: "chip good" }, t("running"));
}

// behind is how far the scans of a job are, in words.
function behind(j) {
  const late = Object.entries(j.lag).filter(([, n]) => n > 0);
  if (!late.length) return t("up-to-date");
  const ids = Math.max(0, ...late.filter(([scan]) => scan.startsWith("insert")).map(([, n]) => n));
  const time = Math.max(0, ...late.filter(([scan]) => !scan.startsWith("insert")).map(([, n]) => n));
  return [ids && `${short(ids)} ${t("ids")}`, time && seconds(time)].filter(Boolean).join(", ");
}

const cell = (label, ...content) => h("td", { "data-label": label }, ...content);
const count = (label, n, to) => h("td", { "data-label": label, class: "number" }, to && n ? h("a", { href: to }, number(n)) : number(n));

export const overviewPage = {
  title: () => t("overview"),
  async load(_, { signal }) {
    return { points: (await get("history", {}, signal)).points };
  },
  add(loaded, o) {
    addPoint(loaded.points, o, o.jobs);
  },
  draw(o, loaded) {
    return [
      o.troubles.length ? null : h("p", { class: "well" }, h("b", {}, t("all-well")), " ", t("all-well-more")),
      charts(loaded.points),
      h("h2", {}, t("jobs")),
      !o.jobs.length ? h("p", { class: "dim" }, t("no-job")) : h("table", { class: "cards" },
        h("thead", {}, h("tr", {}, [t("job"), t("state"), t("behind")].map((x) => h("th", { scope: "col" }, x)),
          [t("rows-rate"), t("calls-rate"), t("waiting-ranges"), t("opened"), t("slow"), t("parked")].map((x) => h("th", { scope: "col", class: "number" }, x)))),
        h("tbody", {}, o.jobs.map((j) => h("tr", { "data-key": j.name },
          h("th", { scope: "row" }, h("a", { href: link.job(j.name) }, j.name)),
          cell(t("state"), stateOf(j)), cell(t("behind"), behind(j)),
          h("td", { "data-label": t("rows-rate"), class: "number" }, rate(j.rows_per_second)),
          h("td", { "data-label": t("calls-rate"), class: "number" }, rate(j.callbacks_per_second)),
          count(t("waiting-ranges"), rangesIn(j, "waiting"), link.job(j.name) + "?ranges=waiting"),
          count(t("opened"), j.open, link.callbacks({ job: j.name, queue: fullestQueue(j) })),
          count(t("slow"), lengthOf(j, "slow"), link.callbacks({ job: j.name, queue: "slow" })),
          count(t("parked"), lengthOf(j, "parked"), link.callbacks({ job: j.name, queue: "parked" })))))),
      h("p", { class: "dim" }, [o.memory_percent ? `${t("redis-memory")}: ${o.memory_percent} %` : "", o.process ? t("answered", o) : ""].filter(Boolean).join(" · ")),
    ];
  },
};

const fullestQueue = (j) => callbackQueues.filter((q) => q !== "parked").sort((a, b) => lengthOf(j, b) - lengthOf(j, a))[0];

// addPoint continues a chart with what is told; a point each ten seconds is kept.
function addPoint(points, o, jobs) {
  const sum = (of) => jobs.reduce((n, j) => n + of(j), 0);
  const lag = (insert) => Math.max(0, ...jobs.flatMap((j) => Object.entries(j.lag).filter(([scan]) => scan.startsWith("insert") === insert).map(([, n]) => n)));
  const p = {
    at: o.at, rows_per_second: sum((j) => j.rows_per_second), callbacks_per_second: sum((j) => j.callbacks_per_second), ranges: sum((j) => rangesIn(j, "waiting")),
    callbacks_open: sum((j) => j.open), callbacks_slow: sum((j) => lengthOf(j, "slow")), callbacks_parked: sum((j) => lengthOf(j, "parked")),
    lag_ids: lag(true), lag_seconds: lag(false),
  };
  const time = Date.parse(o.at);
  if (points.length > 1 && time - Date.parse(points.at(-2).at) < 10e3) points.pop();
  points.push(p);
  while (points.length && time - Date.parse(points[0].at) > 3600e3) points.shift();
}

export const jobPage = {
  title: (here) => here.name,
  every: 10000,
  async load({ name, values }) {
    const queue = values.ranges || "parked";
    const [history, ranges, events] = await Promise.all([
      get("history", { job: name }), get("ranges", { job: name, queue, limit: 50 }), get("events", { job: name, limit: 10 }),
    ]);
    return { points: history.points, queue, ranges, events: events.events };
  },
  add(loaded, o, { name }) {
    addPoint(loaded.points, o, o.jobs.filter((j) => j.name === name));
  },
  draw(o, loaded, { name }, reload) {
    const j = o.jobs.find((x) => x.name === name);
    if (!j) return [h("p", {}, t("nothing"))];
    return [
      h("div", { class: "head" }, h("h1", {}, j.name), stateOf(j),
        h("div", { class: "buttons" },
          j.paused ? h("button", { class: "primary", onclick: () => resume(name, reload) }, t("resume")) : h("button", { onclick: () => pause(name, reload) }, t("pause")),
          h("button", { onclick: () => rescan(name, reload) }, t("rescan")))),
      j.paused ? h("p", { class: "dim" }, j.paused) : null,
      h("dl", {}, h("dt", {}, t("source")), h("dd", {}, j.source || "–"), h("dt", {}, t("leader")), h("dd", {}, j.leader || "–"),
        h("dt", {}, t("destinations")), h("dd", {}, j.destinations.map((d) => d.name + (d.endpoint ? ` → ${d.endpoint}` : "")).join(", "))),
      charts(loaded.points),
      h("div", { class: "two" },
        h("section", {}, h("h2", {}, t("queues")), h("table", {}, h("tbody", {}, callbackQueues.map((q) => h("tr", {},
          h("th", { scope: "row" }, h("a", { href: link.callbacks({ job: name, queue: q }) }, q)),
          h("td", { class: "dim" }, t("q-" + q), h("small", {}, firstOf(headOf(j, q)))), h("td", { class: "number" }, number(lengthOf(j, q)))))))),
        h("section", {}, h("h2", {}, t("ranges")), h("table", {}, h("tbody", {}, rangeQueues.map((q) => h("tr", {},
          h("th", { scope: "row" }, h("a", { href: link.job(name) + "?ranges=" + q, "aria-current": q === loaded.queue ? "true" : null }, q)),
          h("td", { class: "dim" }, t("r-" + q), h("small", {}, firstOf(j.heads?.[rangeQueue(q)] || {}))), h("td", { class: "number" }, number(rangesIn(j, q))))))),
        loaded.ranges.ranges.length ? h("table", { class: "small" }, h("tbody", {}, loaded.ranges.ranges.map((r) => h("tr", {},
          h("td", {}, h("code", {}, r.id)), h("td", {}, r.error || r.worker || ""), h("td", { class: "dim" }, r.due ? ago(r.due) : ""))))) : null),
        h("section", {}, h("h2", {}, t("cursors")), h("table", {}, h("tbody", {}, Object.entries(j.cursors).sort().map(([scan, at]) => h("tr", {},
          h("th", { scope: "row" }, scan), h("td", {}, h("code", {}, at || "–")), h("td", { class: "dim" }, behindOf(scan, j.lag[scan]))))))),
        h("section", {}, h("h2", {}, t("counters")), h("table", {}, h("tbody", {}, Object.entries(j.stats).sort().map(([name, n]) => h("tr", {},
          h("th", { scope: "row" }, name), h("td", { class: "number" }, number(n)))))))),
      h("h2", {}, h("a", { href: link.events({ job: name }) }, t("last-events"))),
      eventTable(loaded.events),
    ];
  },
};

// firstOf says how old the first of a queue is, and when it is due.
function firstOf(head) {
  const due = head.due ? (head.late_seconds > 60 ? t("overdue", { n: seconds(head.late_seconds) }) : t("next-due", { n: ago(head.due) })) : "";
  return [head.since ? t("oldest", { n: seconds(head.age_seconds) }) : "", due].filter(Boolean).join(", ");
}

function behindOf(scan, n) {
  if (n === undefined) return "";
  if (n === 0) return t("up-to-date");
  return scan.startsWith("insert") ? `${number(n)} ${t("ids")}` : seconds(n);
}

