// Small charts of the last hour, or of what is known of it, as SVG. Names and values stand beside them as text.

import { h } from "./dom.js";
import { t, ago, moment } from "./text.js";

const width = 300, height = 72, longest = 3600e3, shortest = 300e3;
const pointed = new Map(); // chart → time that the pointer is at

// chart shows series [{name, of: point → number, tone}] of points; say writes a number.
export function chart({ id, title, points, series, say }) {
  const now = points.length ? Date.parse(points.at(-1).at) : Date.now();
  const span = Math.min(longest, Math.max(shortest, points.length ? now - Date.parse(points[0].at) : 0));
  const x = (p) => width - ((now - Date.parse(p.at)) / span) * width;
  const top = Math.max(1e-9, ...points.flatMap((p) => series.map((s) => s.of(p))));
  const y = (v) => height - 2 - (v / top) * (height - 6);
  const at = pointed.get(id);
  const shown = at === undefined ? points.at(-1) : nearest(points, at);

  const lines = series.flatMap((s, i) => {
    if (points.length < 2) return [];
    const path = points.map((p, n) => `${n ? "L" : "M"}${x(p).toFixed(1)} ${y(s.of(p)).toFixed(1)}`).join("");
    const area = i ? null : h("path", { class: "area " + s.tone, d: `${path}L${x(points.at(-1)).toFixed(1)} ${height}L${x(points[0]).toFixed(1)} ${height}Z` });
    return [area, h("path", { class: "line " + s.tone, d: path })];
  });
  const mark = at !== undefined && shown ? h("line", { class: "mark", x1: x(shown), x2: x(shown), y1: 0, y2: height }) : null;

  return h("figure", { class: "chart", "data-key": id },
    h("figcaption", {},
      h("span", { class: "title" }, title),
      h("span", { class: "legend" }, series.map((s) =>
        h("span", { class: "value " + s.tone }, h("b", {}, shown ? say(s.of(shown)) : "–"), series.length > 1 ? " " + s.name : "")))),
    points.length < 2 ? h("p", { class: "dim" }, t("soon")) : null,
    h("svg", {
      viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `${title}: ${series.map((s) => `${s.name} ${shown ? say(s.of(shown)) : "–"}`).join(", ")}`,
      onpointermove: (e) => {
        const box = e.currentTarget.getBoundingClientRect();
        pointed.set(id, now - (1 - (e.clientX - box.left) / box.width) * span);
        e.currentTarget.dispatchEvent(new CustomEvent("redraw", { bubbles: true }));
      },
      onpointerleave: (e) => {
        pointed.delete(id);
        e.currentTarget.dispatchEvent(new CustomEvent("redraw", { bubbles: true }));
      },
    }, h("line", { class: "ground", x1: 0, x2: width, y1: height - 1, y2: height - 1 }), lines, mark),
    h("div", { class: "axis" }, h("span", {}, span > 0.98 * longest ? t("hour-ago") : ago(now - span, now)), h("span", {}, at !== undefined && shown ? moment(shown.at) : t("highest", { n: say(top > 1e-9 ? top : 0) })), h("span", {}, t("now"))));
}

function nearest(points, time) {
  let best = points[0];
  for (const p of points) if (Math.abs(Date.parse(p.at) - time) < Math.abs(Date.parse(best.at) - time)) best = p;
  return best;
}
