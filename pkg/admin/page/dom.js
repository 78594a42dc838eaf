// Elements without a framework: h makes them, morph changes what is shown into what
// should be, so that focus, selection and scroll position stay where they are.

const svgTags = new Set(["svg", "path", "line", "circle"]);
const handlers = ["onclick", "onchange", "oninput", "onsubmit", "onpointermove", "onpointerleave"];

export function h(tag, attributes = {}, ...children) {
  const e = svgTags.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) e[name] = value;
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) e.setAttribute(name, value);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// kept is something large that is built anew only for another version of what it shows.
export function kept(tag, key, version, build) {
  const attributes = { "data-key": key, "data-version": version };
  if (document.querySelector(`${tag}[data-key="${key}"][data-version="${version}"]`)) return h(tag, attributes);
  const built = build();
  for (const [name, value] of Object.entries(attributes)) built.setAttribute(name, value);
  return built;
}

// show makes the children of a parent like these.
export function show(parent, ...children) {
  const next = document.createDocumentFragment();
  next.append(...children.flat().filter(Boolean));
  morphChildren(parent, next);
}

function morphChildren(from, to) {
  const wanted = [...to.childNodes];
  wanted.forEach((w, i) => {
    const have = from.childNodes[i];
    if (!have) from.append(w);
    else if (!alike(have, w)) have.replaceWith(w);
    else morph(have, w);
  });
  while (from.childNodes.length > wanted.length) from.lastChild.remove();
}

function alike(a, b) {
  return a.nodeName === b.nodeName && (a.nodeType !== Node.ELEMENT_NODE || a.getAttribute("data-key") === b.getAttribute("data-key"));
}

function morph(a, b) {
  if (a.nodeType !== Node.ELEMENT_NODE) {
    if (a.data !== b.data) a.data = b.data;
    return;
  }
  const version = a.getAttribute("data-version");
  if (version && version === b.getAttribute("data-version")) return;
  for (const { name } of [...a.attributes]) if (!b.hasAttribute(name) && !(a.nodeName === "DETAILS" && name === "open")) a.removeAttribute(name);
  for (const { name, value } of b.attributes) if (a.getAttribute(name) !== value) a.setAttribute(name, value);
  for (const name of handlers) if (a[name] !== b[name]) a[name] = b[name];
  if (a.nodeName === "INPUT" || a.nodeName === "SELECT") {
    morphChildren(a, b);
    if (a.type === "checkbox" || a.type === "radio") a.checked = b.checked; // what was pressed is known by now
    else if (document.activeElement !== a) a.value = b.value; // what a person types stays
    return;
  }
  morphChildren(a, b);
}
