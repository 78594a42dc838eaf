// Begins the page: who is in, what is told, and which page is shown.

import { h, show } from "./dom.js";
import { get, post, remove, user, setUser, whenLoggedOut } from "./api.js";
import { t, trouble, lang, setLanguage, otherLanguage, languageName } from "./text.js";
import { link, here } from "./links.js";
import { banner } from "./troubles.js";
import { say } from "./dialog.js";
import { overviewPage, jobPage } from "./overview.js";
import { callbacksPage } from "./callbacks.js";
import { rowPage } from "./row.js";
import { workersPage, endpointsPage, eventsPage } from "./lists.js";

const pages = { overview: overviewPage, jobs: jobPage, callbacks: callbacksPage, row: rowPage, workers: workersPage, endpoints: endpointsPage, events: eventsPage };
const place = (id) => document.getElementById(id);

let session = { access: "", in: false };
let overview = null; // the last that was told
let toldAt = 0;
let stream = null;
let loaded = null; // what the page that is shown has asked for, and for which address
let asking = 0;

async function begin() {
  whenLoggedOut(() => { session.in = false; leave(); draw(); });
  addEventListener("hashchange", () => { go(); place("main").focus({ preventScroll: true }); scrollTo(0, 0); });
  addEventListener("redraw", draw);
  // A browser has six connections to one server for all its tabs: those that nobody sees give theirs back.
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (e) => { if (e.persisted && session.in) listen(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
    else if (session.in) listen();
  });
  setInterval(drawHeader, 1000);
  draw();
  await enter();
}

// enter asks who is in, and listens.
async function enter() {
  try {
    session = await get("session");
    if (session.in) {
      overview = await get("overview");
      toldAt = Date.now();
    }
  } catch (x) {
    if (x.status === 503) overview ??= emptyWith(x.message);
    else say(x.message, "error");
  }
  draw();
  if (!session.in) return;
  listen();
  go();
}

// emptyWith is what there is to show while Redis does not answer.
const emptyWith = (why) => ({
  at: new Date().toISOString(), jobs: [], processes: [], endpoints: [], memory_percent: 0,
  troubles: [{ kind: "redis_down", severity: "bad", detail: why, text: "Redis does not answer, nothing is compared or called: " + why }],
});

function listen() {
  leave();
  stream = new EventSource("/api/v1/stream");
  stream.addEventListener("overview", (e) => {
    const told = JSON.parse(e.data);
    if (told.at && !told.at.startsWith("0001")) overview = told;
    else overview = { ...(overview || emptyWith("")), troubles: told.troubles };
    toldAt = Date.now();
    const page = pages[here().page];
    if (loaded && loaded.address === location.hash && page?.add && told.at) page.add(loaded.data, overview, here());
    draw();
  });
  stream.onerror = async () => {
    if (stream.readyState !== EventSource.CLOSED) return; // it comes back by itself
    leave();
    setTimeout(enter, 3000);
  };
}

function leave() {
  stream?.close();
  stream = null;
}

// go loads what the address asks for.
async function go({ quietly = false } = {}) {
  const at = here(), page = pages[at.page], address = location.hash, turn = ++asking;
  if (!session.in || !page || !overview) return;
  if (!quietly) draw();
  try {
    const data = page.load ? await page.load(at, { overview, old: loaded?.data }) : {};
    if (turn !== asking) return; // somebody has gone on meanwhile
    loaded = { address, data };
  } catch (x) {
    if (turn === asking && x.status !== 401) {
      if (!quietly) { // the banner says it otherwise
        loaded = null;
        say(x.message, "error");
      }
    }
  }
  draw();
}

let again;
function reloadLater(page) {
  clearTimeout(again);
  if (page?.every && session.in) again = setTimeout(() => (document.querySelector("dialog") ? reloadLater(page) : go({ quietly: true })), page.every);
}

function draw() {
  document.documentElement.lang = lang() === "zh" ? "zh-CN" : "en";
  place("skip").textContent = t("skip");
  drawHeader();
  const at = here(), page = pages[at.page];
  document.title = (overview?.troubles.some((x) => x.severity === "bad") && session.in ? "(!) " : "") + "cupid" + (page ? " · " + page.title(at) : "");
  if (!session.in) {
    show(place("troubles"));
    show(place("main"), session.access === "token" ? loginForm() : h("p", { class: "dim" }, session.why || t("connecting")));
    return;
  }
  show(place("troubles"), overview ? banner(overview, draw) : []);
  announce();
  if (!page || !overview) return show(place("main"), h("p", { class: "dim" }, page ? t("connecting") : t("nothing")));
  if (page.load && loaded?.address !== location.hash) return; // the page before stays until this one is there
  show(place("main"), page.draw(overview, loaded?.data || {}, at, () => go({ quietly: true }), draw));
  reloadLater(page);
}

// announce reads out the worst trouble when there are others than before; a count that grows is no news.
let announced = "";
function announce() {
  const kinds = overview ? overview.troubles.map((x) => x.kind + (x.job || "") + (x.endpoint || "")).join(" ") : "";
  if (kinds === announced) return;
  announced = kinds;
  place("announced").textContent = overview?.troubles[0] ? trouble(overview.troubles[0]) : t("all-well");
}

function drawHeader() {
  const at = here().page;
  const age = Math.round((Date.now() - toldAt) / 1000);
  const live = !toldAt ? [t("connecting"), ""] : age > 8 ? [t("not-live", { n: age }), "bad"] : [t("live"), "good"];
  const nav = [["overview", link.overview()], ["callbacks", link.callbacks()], ...(overview?.rows ? [["row", link.row()]] : []), ["workers", link.workers()], ["endpoints", link.endpoints()], ["events", link.events()]];
  show(place("header"),
    h("a", { class: "brand", href: link.overview() }, "cupid"),
    session.in ? h("nav", {}, nav.map(([name, to]) => h("a", { href: to, "aria-current": at === name ? "page" : null }, t(name)))) : h("nav", {}),
    session.in ? h("span", { class: "live " + live[1], id: "live" }, live[0]) : null,
    session.in ? h("input", { class: "user", id: "user", value: user(), placeholder: t("you"), "aria-label": t("you"), maxlength: 64, autocomplete: "name", onchange: (e) => setUser(e.target.value) }) : null,
    h("button", { id: "language", lang: otherLanguage() === "zh" ? "zh-CN" : "en", onclick: () => { setLanguage(otherLanguage()); draw(); } }, languageName(otherLanguage())),
    session.in && session.access === "token" ? h("button", { id: "logout", onclick: logout }, t("logout")) : null);
}

async function logout() {
  leave();
  try {
    session = await remove("session");
  } catch (x) {
    say(x.message, "error");
  }
  session.in = false;
  draw();
}

function loginForm() {
  return h("form", {
    class: "login",
    onsubmit: async (e) => {
      e.preventDefault();
      const values = new FormData(e.target);
      setUser(values.get("user"));
      try {
        session = await post("session", { token: values.get("token") });
        say("");
        await enter();
      } catch (x) {
        say(x.message, "error");
        place("token")?.select();
      }
    },
  }, h("h1", {}, "cupid"), h("p", { class: "dim" }, t("login-why")),
  h("label", {}, t("token"), h("input", { name: "token", type: "password", required: true, autocomplete: "current-password", id: "token" })),
  h("label", {}, t("you"), h("small", {}, t("you-why")), h("input", { name: "user", value: user(), maxlength: 64, autocomplete: "name" })),
  h("button", { class: "primary", type: "submit" }, t("login")));
}

begin();
