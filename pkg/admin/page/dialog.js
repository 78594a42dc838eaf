// Asking a person before something is done, and doing it.

import { h, show } from "./dom.js";
import { post, user, setUser } from "./api.js";
import { t, number } from "./text.js";

// open shows a dialog; the form's fields are given to submit, whose error is shown in it.
function open(title, fields, button, tone, submit) {
  const error = h("p", { class: "error", role: "alert" });
  const progress = h("progress", { hidden: true, max: 1, value: 0 });
  const progressText = h("p", { class: "dim", "aria-live": "polite" });
  const go = h("button", { class: tone, type: "submit" }, button);
  const cancel = h("button", { type: "button", onclick: () => close() }, t("cancel"));
  let stopped = false;
  const form = h("form", {
    method: "dialog",
    onsubmit: async (e) => {
      e.preventDefault();
      go.disabled = true;
      cancel.textContent = t("stop");
      error.textContent = "";
      const values = Object.fromEntries(new FormData(form));
      if (values.user !== undefined) setUser(values.user);
      try {
        await submit(values, {
          stopped: () => stopped,
          at: (done, of) => {
            progress.hidden = false;
            progress.max = Math.max(1, of);
            progress.value = done;
            progressText.textContent = t("doing", { n: number(done), left: number(of - done) });
          },
        });
        close();
      } catch (x) {
        error.textContent = x.message;
        go.disabled = false;
        cancel.textContent = t("cancel");
      }
    },
  }, h("h2", {}, title), fields,
  h("label", {}, t("you"), h("small", {}, t("you-why")), h("input", { name: "user", value: user(), maxlength: 64, autocomplete: "name" })),
  progress, progressText, error, h("div", { class: "buttons" }, cancel, go));
  const dialog = h("dialog", { "aria-label": title }, form);
  const close = () => {
    stopped = true;
    if (dialog.open) dialog.close();
    dialog.remove();
  };
  dialog.addEventListener("close", close);
  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector("input[required]") || go).focus();
}

const reasonField = (required) => h("label", {}, t("reason"), h("small", {}, t("reason-why")), h("input", { name: "reason", required, maxlength: 300, autocomplete: "off" }));

// say tells what came of something, for a while.
let hush;
export function say(text, tone = "") {
  const place = document.getElementById("said");
  show(place, text ? h("p", { class: tone }, text) : null);
  clearTimeout(hush);
  hush = setTimeout(() => show(place), 12000);
}

function sayOutcome(did) {
  const parts = ["done", "due", "leased", "held", "gone"].filter((k) => did[k]).map((k) => t("said-" + k, { n: number(did[k]) }));
  say(parts.join(", ") || t("said-nothing"));
}

// act asks for a reason and does something to callbacks: those with ids, or all of a queue.
// about is {job, ids} or {job, queue, destination}; count is how many those are about.
export function act(name, about, count, done) {
  const title = `${t(name)}: ${count}`;
  open(title, [h("p", {}, t(name + "-what")), reasonField(name === "park" || name === "drop")], t(name), name === "drop" ? "danger" : "primary",
    async ({ reason }, progress) => {
      const did = {};
      let before = 0, of = 0;
      do {
        const answer = await post("callbacks/" + name, { ...about, before: before || undefined, reason: reason || undefined });
        for (const [k, n] of Object.entries(answer.did)) did[k] = (did[k] || 0) + n;
        const sum = Object.values(did).reduce((a, b) => a + b, 0);
        of = Math.max(of, sum + answer.left);
        before = answer.left;
        if (before) progress.at(of - before, of);
      } while (before && !progress.stopped());
      sayOutcome(did);
      done?.();
    });
}

export function pause(job, done) {
  const lasting = h("select", { name: "for" }, h("option", { value: "" }, t("until-resumed")), ["15m", "1h", "4h", "24h"].map((d) => h("option", { value: d }, d)));
  open(`${t("pause")}: ${job}`, [h("p", {}, t("pause-what")), reasonField(true), h("label", {}, t("for-time"), lasting)], t("pause"), "primary",
    async (v) => {
      await post(`jobs/${encodeURIComponent(job)}/pause`, { reason: v.reason, for: v.for || undefined });
      say(`${job}: ${t("paused")}`);
      done?.();
    });
}

export function resume(job, done, destination) {
  const what = destination ? `${job}: ${destination}` : job;
  open(`${t("resume")}: ${what}`, [h("p", {}, t(destination ? "resume-destination" : "resume-what"))], t("resume"), "primary", async () => {
    await post(`jobs/${encodeURIComponent(job)}/resume`, { destination });
    say(`${what}: ${t("running")}`);
    done?.();
  });
}

export function quiet(id, done) {
  open(`${t("quiet")}: ${id}`, [h("p", {}, t("quiet-what")), reasonField(true)], t("quiet"), "primary", async ({ reason }) => {
    await post(`workers/${encodeURIComponent(id)}/quiet`, { reason });
    say(`${id}: ${t("quiet-now")}`);
    done?.();
  });
}

export function loud(id, done) {
  open(`${t("resume")}: ${id}`, [h("p", {}, t("loud-what"))], t("resume"), "primary", async () => {
    await post(`workers/${encodeURIComponent(id)}/resume`, {});
    say(`${id}: ${t("running")}`);
    done?.();
  });
}

export function rescan(job, done) {
  const key = (name, label) => h("label", {}, t(label), h("small", {}, t("no-bound")), h("input", { name, autocomplete: "off" }));
  open(`${t("rescan")}: ${job}`, [h("p", {}, t("rescan-what")), key("from", "from-key"), key("to", "to-key"), reasonField(false)], t("rescan"), "primary",
    async (v) => {
      await post("rescan", { job, from: v.from || undefined, to: v.to || undefined, reason: v.reason || undefined });
      say(t("said-rescan"));
      done?.();
    });
}
