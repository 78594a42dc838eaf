// Asking the API.

import { t } from "./text.js";

let userName = localStorage.getItem("cupid-user") || "";

export const user = () => userName;

export function setUser(name) {
  userName = name.trim();
  localStorage.setItem("cupid-user", userName);
}

// Refused is an answer that says no, with a sentence for people.
export class Refused extends Error {
  constructor(status, sentence, cause) {
    super(sentence, { cause });
    this.status = status;
  }
}

let onLoggedOut = () => {};
export function whenLoggedOut(f) {
  onLoggedOut = f;
}

async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (userName) headers["X-Cupid-User"] = encodeURIComponent(userName);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await send("/api/v1/" + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  let answer = {};
  try {
    answer = await response.json();
  } catch {
    // what answers here is not cupid; the status says enough
  }
  if (response.ok) return answer;
  if (response.status === 401 && path !== "session") onLoggedOut();
  throw new Refused(response.status, answer.error || `${response.status} ${response.statusText}`);
}

// send repeats what only looks, when the network fails for a moment.
async function send(url, request) {
  for (let tries = 3; ; tries--) {
    try {
      return await fetch(url, request);
    } catch (x) {
      if (request.method !== "GET" || tries === 1) throw new Refused(0, t("unreachable"), x);
      await new Promise((done) => setTimeout(done, 500));
    }
  }
}

export const get = (path, parameters = {}) => {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, v]) => v !== "" && v !== undefined)).toString();
  return ask("GET", query ? path + "?" + query : path);
};
export const post = (path, body) => ask("POST", path, body);
export const remove = (path) => ask("DELETE", path);
