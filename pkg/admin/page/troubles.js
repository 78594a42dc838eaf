// The banner: what is wrong, in words, with what to press beside it.

import { h } from "./dom.js";
import { t, trouble, number } from "./text.js";
import { act, resume } from "./dialog.js";
import { link, here } from "./links.js";

let all = false;

const go = (label, to, primary) => h("a", { class: "button" + (primary ? " primary" : ""), href: to }, label);
const press = (label, onclick) => h("button", { class: "primary", onclick }, label);

// remedies are what to press, by the kind of a trouble.
const remedies = {
  redis_down: () => [press(t("b-reload"), () => location.reload())],
  redis_full: (x, o) => [go(t("b-fill"), link.callbacks({ job: fullest(o), queue: "slow" }), true)],
  no_workers: () => [go(t("b-workers"), link.workers(), true)],
  receiver_down: (x, o) => [
    go(t("b-show-callbacks"), x.job ? link.callbacks({ job: x.job, queue: x.queue, destination: destinationOf(o, x) }) : link.endpoints(), true),
  ],
  no_leader: () => [go(t("b-workers"), link.workers(), true)],
  nothing_compared: (x) => [go(t("b-job"), link.job(x.job), true)],
  too_many_open: (x) => [go(t("b-show-slow"), link.callbacks({ job: x.job, queue: x.queue }), true)],
  not_ready: () => [],
  paused: (x) => [press(t("resume"), () => resume(x.job))],
  held: (x) => [
    go(t("b-show-callbacks"), link.callbacks({ job: x.job, queue: x.queue, destination: x.destination }), true),
    h("button", { onclick: () => resume(x.job, undefined, x.destination) }, t("resume")),
  ],
  quiet: () => [go(t("b-workers"), link.workers(), true)],
  slow_callbacks: (x) => [
    press(t("b-retry-all", { n: number(x.count) }), () => act("retry", { job: x.job, queue: "slow" }, number(x.count))),
    go(t("b-show-slow"), link.callbacks({ job: x.job, queue: "slow" })),
  ],
  no_effect: (x) => [go(t("b-show-slow"), link.callbacks({ job: x.job, queue: x.queue, destination: x.destination }), true)],
  several_rows: (x) => [go(t("b-show-slow"), link.callbacks({ job: x.job, queue: x.queue, destination: x.destination }), true)],
  config_refused: () => [go(t("b-workers"), link.workers(), true)],
  alerts_unsent: () => [go(t("b-workers"), link.workers(), true)],
  stalled_ranges: (x) => [go(t("b-job"), link.job(x.job) + "?ranges=parked", true)],
  far_behind: (x) => [go(t("b-job"), link.job(x.job), true)],
  parked_callbacks: (x) => [
    go(t("b-show-slow"), link.callbacks({ job: x.job, queue: "parked" }), true),
    h("button", { onclick: () => act("unpark", { job: x.job, queue: "parked" }, number(x.count)) }, t("b-unpark-all", { n: number(x.count) })),
  ],
};

const fullest = (o) => [...o.jobs].sort((a, b) => b.open - a.open)[0]?.name || "";

// destinationOf is the only one that the receiver has in a job; "" for several.
function destinationOf(o, x) {
  const found = o.jobs.find((j) => j.name === x.job)?.destinations || [];
  const mine = found.filter((d) => d.endpoint === x.endpoint);
  return mine.length === 1 && found.length > 1 ? mine[0].name : "";
}

// banner is empty while all is well and the page says so elsewhere.
export function banner(o, redraw) {
  const few = here().page === "overview" ? 3 : 1; // elsewhere a person is after something already
  const shown = all ? o.troubles : o.troubles.slice(0, few);
  const rows = shown.map((x) => h("div", { class: "trouble " + x.severity, "data-key": x.kind + (x.job || "") + (x.endpoint || "") + (x.destination || "") },
    h("p", {}, trouble(x)), h("div", { class: "buttons" }, remedies[x.kind]?.(x, o) || [])));
  if (o.troubles.length > few) {
    rows.push(h("button", { class: "more", onclick: () => { all = !all; redraw(); } }, all ? t("fewer") : t("more-troubles", { n: o.troubles.length - few })));
  }
  return rows;
}
