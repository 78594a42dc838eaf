// Where things are shown. What stands behind the # says all, so that it can be sent to somebody.

const query = (values) => {
  const text = new URLSearchParams(Object.entries(values).filter(([, v]) => v !== "" && v !== undefined && v !== 0)).toString();
  return text && "?" + text;
};

export const link = {
  overview: () => "#/",
  job: (name) => "#/jobs/" + encodeURIComponent(name),
  callbacks: (values = {}) => "#/callbacks" + query(values),
  row: (values = {}) => "#/row" + query(values),
  workers: () => "#/workers",
  endpoints: () => "#/endpoints",
  events: (values = {}) => "#/events" + query(values),
};

// here is what the address asks for: the page, its name if any, and parameters.
export function here() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/");
  return { page: page || "overview", name: decodeURIComponent(rest.join("/")), values: Object.fromEntries(new URLSearchParams(search)) };
}

export const callbackQueues = ["due", "leased", "confirm", "verify", "retry", "slow", "parked"];
export const rangeQueues = ["waiting", "leased", "retry", "parked"];

// lengthOf is how many callbacks of a job stand in a queue.
export function lengthOf(job, queue) {
  if (queue !== "due") return job.depths["callbacks:" + queue] || 0;
  return job.destinations.reduce((n, d) => n + (job.depths["callbacks:" + d.name] || 0), 0);
}

// headOf is the oldest first of the callbacks in a queue, which for due ones are several lists; {} where none is.
export function headOf(job, queue) {
  const names = queue === "due" ? job.destinations.map((d) => "callbacks:" + d.name) : ["callbacks:" + queue];
  return names.map((name) => job.heads?.[name]).filter(Boolean).sort((a, b) => b.age_seconds - a.age_seconds)[0] || {};
}

export const rangeQueue = (queue) => queue === "waiting" ? "ranges" : "ranges:" + queue;
export const rangesIn = (job, queue) => job.depths[rangeQueue(queue)] || 0;
