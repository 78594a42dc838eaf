// A row as the source and each destination hold it. Its values stand on this page and nowhere else.

import { h } from "./dom.js";
import { t } from "./text.js";
import { post } from "./api.js";
import { link } from "./links.js";

const tones = { equal: "good", absent: "" };

export const rowPage = {
  title: () => t("row"),
  load: async ({ values }, { overview }) => (overview.rows && values.job && values.key ? { rows: (await post("row", { job: values.job, key: values.key })).rows } : {}),
  draw: (o, loaded, { values }, reload) => [
    h("h1", {}, t("row")),
    o.rows ? form(o, values, reload) : h("p", {}, t("rows-not-shown")),
    ...(loaded.rows || []).map(oneOf),
  ],
};

function form(o, values, reload) {
  return h("form", {
    class: "filter",
    onsubmit: (e) => {
      e.preventDefault();
      const asked = Object.fromEntries(new FormData(e.target));
      if (link.row(asked) === location.hash) reload();
      else location.hash = link.row(asked);
    },
  },
  h("label", {}, t("job"), h("select", { name: "job" }, o.jobs.map((j) => h("option", { value: j.name, selected: j.name === values.job }, j.name)))),
  h("label", {}, t("scan-key"), h("input", { name: "key", value: values.key || "", required: true, autocomplete: "off" })),
  h("button", { class: "primary", type: "submit" }, t("compare")));
}

function oneOf(r) {
  return h("section", { "data-key": r.destination },
    h("div", { class: "head" }, h("h2", {}, r.destination), r.verdict ? h("span", { class: "chip " + (tones[r.verdict] ?? "bad"), id: "verdict" }, t("v-" + r.verdict)) : null),
    r.error ? h("p", { class: "error" }, r.error) : null,
    r.note ? h("p", { class: "dim" }, r.note) : null,
    r.destination_unknown ? h("p", { class: "dim" }, t("row-unknown")) : null,
    r.columns?.length ? h("table", { class: "cards row" },
      h("thead", {}, h("tr", {}, [t("column"), t("source"), t("destination")].map((x) => h("th", { scope: "col" }, x)))),
      h("tbody", {}, r.columns.map((c) => h("tr", { class: c.differs ? "differs" : c.overlooked ? "overlooked" : "" },
        h("th", { scope: "row" }, mark(c), c.source === c.destination ? c.source : `${c.source} → ${c.destination}`),
        h("td", { "data-label": t("source") }, values(c.source_values)), h("td", { "data-label": t("destination") }, values(c.destination_values)))))) : null);
}

// mark says in a sign and in words what a colour says too.
function mark(c) {
  if (c.differs) return h("b", { title: t("differs"), "aria-label": t("differs") }, "≠ ");
  return c.overlooked ? h("b", { title: t("overlooked"), "aria-label": t("overlooked") }, "~ ") : null;
}

const values = (all) => (all?.length ? h("span", { class: "list" }, all.map(value)) : "–");

function value(v) {
  if (v === null) return h("i", { class: "dim" }, "NULL");
  if (typeof v === "string") return h("code", { class: "value" }, JSON.stringify(v)); // quoted, so that blanks are seen
  return h("code", { class: "value", title: t("bytes") }, "0x" + v.hex);
}
