// Processes, receivers and events.

import { h } from "./dom.js";
import { t, number, moment, ago } from "./text.js";
import { get } from "./api.js";
import { link } from "./links.js";
import { quiet, loud } from "./dialog.js";

const time = (at) => (at ? h("time", { datetime: at, title: moment(at) }, ago(at)) : "–");

export function table(head, rows, nothing = t("nothing")) {
  if (!rows.length) return h("p", { class: "dim" }, nothing);
  return h("table", { class: "cards" },
    h("thead", {}, h("tr", {}, head.map((x) => h("th", { scope: "col" }, x)))),
    h("tbody", {}, rows.map(({ key, cells }) => h("tr", { "data-key": key }, cells.map((c, i) =>
      i === 0 ? h("th", { scope: "row" }, c) : h("td", { "data-label": head[i] }, c))))));
}

function stateOf(p) {
  if (p.stale) return h("span", { class: "chip bad" }, t("silent"));
  return p.quiet ? h("span", { class: "chip warning" }, t("quiet-now")) : h("span", { class: "chip good" }, t("running"));
}

const quietButton = (p, reload) => {
  if (p.role === "scheduler") return null;
  return p.quiet ? h("button", { onclick: () => loud(p.id, reload) }, t("resume")) : h("button", { onclick: () => quiet(p.id, reload) }, t("quiet"));
};

export const workersPage = {
  title: () => t("workers"),
  draw: (o, loaded, here, reload) => [
    h("h1", {}, t("workers")),
    table([t("process"), t("role"), t("state"), t("busy"), t("memory"), t("started"), t("beat"), t("address"), t("version")],
      o.processes.map((p) => ({
        key: p.id,
        cells: [
          p.id, p.role, h("span", { class: "list" }, stateOf(p), p.quiet ? h("small", {}, p.quiet) : null, quietButton(p, reload)),
          number(p.busy), `${Math.round(p.rss_bytes / 1048576)} MB`, time(p.started), time(p.last_beat), p.address, p.version,
        ],
      })), t("no-process")),
  ],
};

const states = { closed: ["good", "closed"], open: ["bad", "down"], half_open: ["bad", "half_open"], resting: ["warning", "resting"] };

export const endpointsPage = {
  title: () => t("endpoints"),
  draw: (o) => [
    h("h1", {}, t("endpoints")),
    table([t("receiver"), t("state"), t("since"), t("tried-next"), t("failures"), t("code"), t("in-flight"), t("callbacks")],
      o.endpoints.map((e) => {
        const [tone, word] = states[e.state] || ["", e.state];
        const users = o.jobs.flatMap((j) => j.destinations.filter((d) => d.endpoint === e.host).map((d) => [j.name, d.name]));
        return {
          key: e.host,
          cells: [
            e.host, h("span", { class: "chip " + tone }, t(word)), time(e.since), time(e.next), number(e.failures), e.code || "–", number(e.in_flight),
            h("span", { class: "list" }, users.map(([job, destination]) => h("a", { href: link.callbacks({ job, destination, queue: "slow" }) }, `${job} → ${destination}`))),
          ],
        };
      })),
  ],
};

export function eventTable(events) {
  return table([t("when"), t("job"), t("kind"), t("who"), t("what")], events.map((e) => ({
    cells: [time(e.at), e.job ? h("a", { href: link.job(e.job) }, e.job) : "–", h("span", { class: "chip" }, e.kind), e.who, e.what],
  })));
}

export const eventsPage = {
  title: () => t("events"),
  every: 5000,
  load: async ({ values }) => ({ events: (await get("events", { job: values.job, limit: 200 })).events }),
  draw: (o, loaded, { values }) => [
    h("h1", {}, t("events")),
    h("form", { class: "filter" }, h("label", {}, t("job"), h("select", {
      onchange: (e) => { location.hash = link.events({ job: e.target.value }); },
    }, h("option", { value: "" }, t("all")), o.jobs.map((j) => h("option", { value: j.name, selected: j.name === values.job }, j.name))))),
    eventTable(loaded.events),
  ],
};

