"use strict";
// Every text comes from catalogs of other people: it is shown by textContent or fillText only.

const data = JSON.parse(document.getElementById("data").textContent);
const count = data.names.length;
const edgeCount = data.targets.length;
const element = (id) => document.getElementById(id);
const canvas = element("canvas");
const pen = canvas.getContext("2d");

const NOTHING = -1;
const CLOSEST = 160; // pixels between two functions, about half of it
const LABELS = 160;
const FOUND = 30;
const TINTS = 24;

// ---- The graph, and what the file does not spell out ----

const sourceOf = new Int32Array(edgeCount);
for (let i = 0; i < count; i++) sourceOf.fill(i, data.rowStarts[i], data.rowStarts[i + 1]);

const inStarts = new Int32Array(count + 1);
for (const target of data.targets) inStarts[target + 1]++;
for (let i = 0; i < count; i++) inStarts[i + 1] += inStarts[i];
const inEdges = new Int32Array(edgeCount);
{
  const next = inStarts.slice();
  for (let edge = 0; edge < edgeCount; edge++) inEdges[next[data.targets[edge]]++] = edge;
}

const outOf = (i) => range(data.rowStarts[i], data.rowStarts[i + 1]);
const into = (i) => Array.from(inEdges.subarray(inStarts[i], inStarts[i + 1]))
  .sort((a, b) => data.scores[b] - data.scores[a]);
const degree = (i) =>
  data.rowStarts[i + 1] - data.rowStarts[i] + inStarts[i + 1] - inStarts[i];
const strongest = range(0, edgeCount)
  .sort((a, b) => data.scores[b] - data.scores[a]).slice(0, data.edgesDrawn);
const byDegree = range(0, count).sort((a, b) => degree(b) - degree(a));
const indexOf = new Map(data.names.map((name, index) => [name, index]));

const radii = Float32Array.from({ length: count },
  (_, i) => 0.32 + 0.09 * Math.min(5, Math.log2(1 + degree(i))));
const communities = data.communities.map((name, number) =>
  ({ name, number, size: 0, x: 0, y: 0, reach: 0 }));
for (let i = 0; i < count; i++) {
  const community = communities[data.communityOf[i]];
  if (!community) continue;
  community.size++;
  community.x += data.x[i];
  community.y += data.y[i];
}
for (const community of communities) {
  community.x /= community.size;
  community.y /= community.size;
  community.reach = Math.sqrt(community.size) + 1;
}

function range(start, end) {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

// ---- What is seen ----

const view = { x: 0, y: 0, scale: 1 };
let width = 1;
let height = 1;
let hovered = NOTHING;
let selected = NOTHING;
let lit = NOTHING; // a community
let colours = {};
let waiting = false;

const toScreenX = (x) => (x - view.x) * view.scale + width / 2;
const toScreenY = (y) => (y - view.y) * view.scale + height / 2;

function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; draw(); });
}

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ground", "ink", "dim", "rule", "out", "in", "edge", "halo", "lightness"];
  colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)]));
}

function tint(community) {
  if (community === NOTHING) return colours.dim;
  // Neighbours in size come far apart in hue; a second round is paler.
  const hue = (community * 137.508) % 360;
  return `hsl(${hue.toFixed(0)} ${community < TINTS ? 62 : 34}% ${colours.lightness})`;
}

function resize() {
  const box = canvas.getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  width = box.width;
  height = box.height;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  pen.setTransform(density, 0, 0, density, 0, 0);
  draw(); // at once: a new size has cleared the canvas
}

function showBox(left, top, right, bottom) {
  const legend = document.querySelector(".legend");
  const covered = legend.open && width > 3 * legend.offsetWidth ? legend.offsetWidth : 0;
  const room = Math.min((width - covered) / (right - left || 1), height / (bottom - top || 1));
  view.scale = Math.min(CLOSEST / 4, room * 0.92);
  view.x = (left + right - covered / view.scale) / 2;
  view.y = (top + bottom) / 2;
  redraw();
}

function showWhole() {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    left = Math.min(left, data.x[i]);
    right = Math.max(right, data.x[i]);
    top = Math.min(top, data.y[i]);
    bottom = Math.max(bottom, data.y[i]);
  }
  showBox(left - 1, top - 1, right + 1, bottom + 1);
}

function zoom(factor, x = width / 2, y = height / 2) {
  const worldX = (x - width / 2) / view.scale + view.x;
  const worldY = (y - height / 2) / view.scale + view.y;
  view.scale = Math.max(0.2, Math.min(CLOSEST, view.scale * factor));
  view.x = worldX - (x - width / 2) / view.scale;
  view.y = worldY - (y - height / 2) / view.scale;
  redraw();
}

// ---- Drawing ----

function draw() {
  pen.clearRect(0, 0, width, height);
  const centre = selected !== NOTHING ? selected : hovered;
  const near = centre === NOTHING ? null : neighbours(centre);
  drawStrongest(near ? 0.06 : 0.2);
  drawFunctions(near);
  if (centre !== NOTHING) drawOwnEdges(centre);
  drawLabels(centre, near);
}

function neighbours(centre) {
  const near = new Set([centre]);
  for (const edge of outOf(centre)) near.add(data.targets[edge]);
  for (const edge of into(centre)) near.add(sourceOf[edge]);
  return near;
}

function drawStrongest(alpha) {
  pen.globalAlpha = alpha;
  pen.strokeStyle = colours.edge;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const edge of strongest) {
    const [a, b] = [sourceOf[edge], data.targets[edge]];
    if (lit !== NOTHING && data.communityOf[a] !== lit && data.communityOf[b] !== lit) continue;
    pen.moveTo(toScreenX(data.x[a]), toScreenY(data.y[a]));
    pen.lineTo(toScreenX(data.x[b]), toScreenY(data.y[b]));
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

const seenRadius = (i) => Math.max(1.2, Math.min(11, radii[i] * view.scale));

function drawFunctions(near) {
  const [bright, faint] = [new Map(), new Map()];
  for (let i = 0; i < count; i++) {
    const [x, y] = [toScreenX(data.x[i]), toScreenY(data.y[i])];
    if (x < -12 || y < -12 || x > width + 12 || y > height + 12) continue;
    const community = data.communityOf[i];
    const aside = near ? !near.has(i) : lit !== NOTHING && community !== lit;
    const paths = aside ? faint : bright;
    if (!paths.has(community)) paths.set(community, new Path2D());
    const path = paths.get(community);
    const radius = seenRadius(i);
    if (radius < 1.6) path.rect(x - radius, y - radius, 2 * radius, 2 * radius); // far cheaper
    else {
      path.moveTo(x + radius, y);
      path.arc(x, y, radius, 0, 2 * Math.PI);
    }
  }
  for (const [paths, alpha] of [[faint, near ? 0.22 : 0.13], [bright, 0.95]]) {
    pen.globalAlpha = alpha;
    for (const [community, path] of paths) {
      pen.fillStyle = tint(community);
      pen.fill(path);
    }
  }
  pen.globalAlpha = 1;
}

function drawOwnEdges(centre) {
  for (const edge of into(centre)) drawArrow(sourceOf[edge], centre, colours.in);
  for (const edge of outOf(centre)) drawArrow(centre, data.targets[edge], colours.out);
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 2.5;
  pen.beginPath();
  const radius = seenRadius(centre) + 3;
  pen.arc(toScreenX(data.x[centre]), toScreenY(data.y[centre]), radius, 0, 2 * Math.PI);
  pen.stroke();
}

function drawArrow(from, to, colour) {
  const [x1, y1] = [toScreenX(data.x[from]), toScreenY(data.y[from])];
  const [x2, y2] = [toScreenX(data.x[to]), toScreenY(data.y[to])];
  // Bent to the right, so that edges both ways lie side by side.
  const [midX, midY] = [(x1 + x2) / 2 - (y2 - y1) * 0.08, (y1 + y2) / 2 + (x2 - x1) * 0.08];
  const angle = Math.atan2(y2 - midY, x2 - midX);
  const gap = seenRadius(to) + 2;
  const [tipX, tipY] = [x2 - gap * Math.cos(angle), y2 - gap * Math.sin(angle)];
  pen.strokeStyle = pen.fillStyle = colour;
  pen.globalAlpha = 0.75;
  pen.lineWidth = 1.4;
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.quadraticCurveTo(midX, midY, tipX, tipY);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(tipX, tipY);
  for (const turn of [-0.4, 0.4]) {
    pen.lineTo(tipX - 8 * Math.cos(angle + turn), tipY - 8 * Math.sin(angle + turn));
  }
  pen.fill();
  pen.globalAlpha = 1;
}

function drawLabels(centre, near) {
  const taken = [];
  if (centre !== NOTHING) {
    label(centre, taken, "600 13px", colours.ink);
    for (const i of near) label(i, taken, "12px", colours.ink);
    return;
  }
  for (const community of communities) {
    if (lit !== NOTHING && community.number !== lit) continue;
    if (community.reach * view.scale < 26 || view.scale > 60) continue;
    const y = toScreenY(community.y - community.reach) + 2;
    write(community.name, toScreenX(community.x), y, taken, "600 13px", tint(community.number));
  }
  if (view.scale < 14) return;
  for (const i of byDegree) {
    if (taken.length >= LABELS) return;
    if (lit === NOTHING || data.communityOf[i] === lit) label(i, taken, "11px", colours.ink);
  }
}

function label(i, taken, font, colour) {
  const y = toScreenY(data.y[i]) - seenRadius(i) - 8;
  write(data.names[i], toScreenX(data.x[i]), y, taken, font, colour);
}

function write(text, x, y, taken, font, colour) {
  if (x < 0 || y < 0 || x > width || y > height || taken.length >= LABELS) return;
  pen.font = `${font} system-ui, "DejaVu Sans", sans-serif`;
  const half = pen.measureText(text).width / 2 + 3;
  const box = [x - half, y - 9, x + half, y + 9];
  if (taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) return;
  taken.push(box);
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineJoin = "round";
  pen.lineWidth = 4;
  pen.strokeStyle = colours.halo;
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

// ---- Details ----

function make(tag, text, attributes = {}, children = []) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const scoreText = (score) => (score / data.scoreSteps).toFixed(2);
const domainOf = (i) => data.domains[data.domainOf[i]];

function showOverview() {
  const facts = data.facts.flatMap(([what, value]) => [make("dt", what), make("dd", value)]);
  const hubs = byDegree.slice(0, 12).filter((i) => degree(i));
  element("panel").replaceChildren(
    make("h2", "The whole graph"),
    make("dl", "", {}, facts),
    make("p", "A dot is a function, larger the more edges it has. An edge says that an output of "
      + "one function can serve as an input of the other. Point at a dot to see its edges; click "
      + "it for the details."),
    make("p", "Drag or use the arrow keys to move, the wheel or + and − to zoom, 0 for the whole, "
      + "/ to find a function, Escape to let go.", { class: "meta" }),
    ...(hubs.length ? [make("h3", "Most edges")] : []),
    make("ul", "", { class: "edges" }, hubs.map((i) => hubEntry(i))),
  );
}

function hubEntry(i) {
  const button = make("button", "", { type: "button" },
    [make("span", `${degree(i)}`, { class: "score" }), make("b", data.names[i])]);
  button.addEventListener("click", () => choose(i));
  return make("li", "", {}, [button]);
}

function showFunction(i) {
  const back = make("button", "← Whole graph", { type: "button", class: "back" });
  back.addEventListener("click", () => choose(NOTHING));
  const community = data.communities[data.communityOf[i]];
  const domain = domainOf(i) === community ? "" : domainOf(i);
  const facts = [["domain", domain], ["community", community],
    ["catalog", data.sources[data.sourceOf[i]]], ["name there", data.originals[i]],
    ["outputs are", data.origins[i]]]
    .filter(([, value]) => value)
    .flatMap(([what, value]) => [make("dt", what), make("dd", value)]);
  element("panel").replaceChildren(
    back, make("h2", data.names[i]), make("p", data.descriptions[i]), make("dl", "", {}, facts),
    ...chips("Inputs that an earlier result could feed", data.inputs[i]),
    ...chips("Outputs", data.outputs[i]),
    ...edgeList("Feeds", outOf(i), "out"), ...edgeList("Fed by", into(i), "in"),
  );
  element("panel").scrollTop = 0;
  element("said").textContent =
    `${data.names[i]}: feeds ${outOf(i).length} functions, fed by ${into(i).length}.`;
}

function chips(title, paths) {
  const shown = paths.length ? paths.map((path) => make("code", path))
    : [make("span", "none", { class: "meta" })];
  return [make("h3", `${title} (${paths.length})`), make("div", "", { class: "chips" }, shown)];
}

function edgeList(title, edges, way) {
  const entries = edges.map((edge) => edgeEntry(edge, way));
  return [make("h3", `${title} (${edges.length})`), make("ul", "", { class: "edges" }, entries)];
}

function edgeEntry(edge, way) {
  const other = way === "out" ? data.targets[edge] : sourceOf[edge];
  const feeds = range(data.feedStarts[edge], data.feedStarts[edge + 1]).map((feed) => {
    const output = data.outputPaths[data.feedOutput[feed]] || "(whole result)";
    return make("code", `${output} → ${data.inputNames[data.feedInput[feed]]}`);
  });
  const button = make("button", "", { type: "button", class: way }, [
    make("span", scoreText(data.scores[edge]), { class: "score" }), make("b", data.names[other]),
    ...feeds]);
  button.addEventListener("click", () => choose(other));
  return make("li", "", {}, [button]);
}

// ---- Choosing ----

// The address says what is selected, so that Back works and a link can point at a function.
function choose(i) {
  const wanted = i === NOTHING ? "" : `#${encodeURIComponent(data.names[i])}`;
  if (location.hash === wanted) follow();
  else location.hash = wanted;
}

function follow() {
  let name = "";
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* a link cut short */ }
  selected = indexOf.get(name) ?? NOTHING;
  if (selected === NOTHING) showOverview();
  else {
    showFunction(selected);
    bringIntoView(selected);
  }
  redraw();
}

function bringIntoView(i) {
  if (view.scale < 6) view.scale = 12;
  const [x, y] = [toScreenX(data.x[i]), toScreenY(data.y[i])];
  const margin = 60;
  if (x > margin && y > margin && x < width - margin && y < height - margin) return;
  view.x = data.x[i];
  view.y = data.y[i];
}

function at(x, y) {
  let [nearest, least] = [NOTHING, Infinity];
  for (let i = 0; i < count; i++) {
    const distance = Math.hypot(toScreenX(data.x[i]) - x, toScreenY(data.y[i]) - y) - seenRadius(i);
    if (distance < least) [nearest, least] = [i, distance];
  }
  return least < 6 ? nearest : NOTHING;
}

function light(community) {
  lit = lit === community ? NOTHING : community;
  for (const button of element("legend").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.community) === lit));
  }
  if (lit === NOTHING) showWhole();
  else {
    const { x, y, reach } = communities[lit];
    showBox(x - reach, y - reach, x + reach, y + reach);
  }
}

function fillLegend() {
  const entries = communities.map(({ name, number, size }) => {
    const dot = make("i");
    dot.style.background = tint(number);
    const button = make("button", "",
      { type: "button", "data-community": number, "aria-pressed": number === lit, title: name },
      [dot, make("span", name), make("small", size.toLocaleString("en"), { class: "meta" })]);
    button.addEventListener("click", () => light(number));
    return make("li", "", {}, [button]);
  });
  const alone = range(0, count).filter((i) => data.communityOf[i] === NOTHING).length;
  if (alone) {
    const dot = make("i");
    dot.style.background = tint(NOTHING);
    entries.push(make("li", "", { class: "alone" },
      [dot, make("span", "without an edge"),
        make("small", alone.toLocaleString("en"), { class: "meta" })]));
  }
  element("legend").replaceChildren(...entries);
}

// ---- Mouse, touch and keys ----

const pointers = new Map();
let moved = 0;

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  moved = 0;
});
canvas.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return point(event.offsetX, event.offsetY);
  const now = [event.offsetX, event.offsetY];
  const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
  moved += Math.hypot(dx, dy);
  if (pointers.size === 2) pinch(event.pointerId, before, now);
  else {
    view.x -= dx / view.scale;
    view.y -= dy / view.scale;
    canvas.classList.add("moving");
  }
  pointers.set(event.pointerId, now);
  redraw();
});
for (const ending of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(ending, (event) => {
    pointers.delete(event.pointerId);
    canvas.classList.remove("moving");
    if (ending === "pointerup" && moved < 5) choose(at(event.offsetX, event.offsetY));
  });
}
canvas.addEventListener("pointerleave", pointAway);
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const pixels = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
  zoom(Math.exp(-pixels * 0.0015), event.offsetX, event.offsetY);
  point(event.offsetX, event.offsetY);
}, { passive: false });

function pinch(id, before, now) {
  const [, other] = [...pointers].find(([one]) => one !== id);
  const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
  zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
}

function pointAway() {
  point(-Infinity, -Infinity);
}

function point(x, y) {
  const found = at(x, y);
  const tip = element("tip");
  canvas.classList.toggle("over", found !== NOTHING);
  tip.hidden = found === NOTHING;
  if (found !== NOTHING) {
    tip.replaceChildren(make("b", data.names[found]),
      make("span", `${domainOf(found) || "no domain"} · feeds ${outOf(found).length} · fed by `
        + `${into(found).length}`, { class: "meta" }));
    tip.style.left = `${Math.max(0, Math.min(x + 14, width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(0, Math.min(y + 14, height - tip.offsetHeight - 4))}px`;
  }
  if (found !== hovered) {
    hovered = found;
    redraw();
  }
}

const keys = {
  ArrowLeft: () => { view.x -= 80 / view.scale; },
  ArrowRight: () => { view.x += 80 / view.scale; },
  ArrowUp: () => { view.y -= 80 / view.scale; },
  ArrowDown: () => { view.y += 80 / view.scale; },
  "+": () => zoom(1.3),
  "=": () => zoom(1.3),
  "-": () => zoom(1 / 1.3),
  0: showWhole,
};
canvas.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
  pointAway();
  redraw();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== search) {
    event.preventDefault();
    search.select();
    search.focus();
  } else if (event.key === "Escape" && event.target !== search) {
    if (selected !== NOTHING) choose(NOTHING);
    else if (lit !== NOTHING) light(lit);
  }
});

// ---- Finding ----

const search = element("search");
const foundList = element("found");
const haystack = data.names.map((name, i) => `${name} ${data.originals[i]}`.toLowerCase());
let active = 0;
let results = [];

function find(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const hits = byDegree.filter((i) => words.every((word) => haystack[i].includes(word)));
  return hits.sort((a, b) => rank(a, words[0]) - rank(b, words[0])).slice(0, FOUND);
}

function rank(i, word) {
  if (!haystack[i].startsWith(word)) return 2;
  return haystack[i].startsWith(`${word} `) ? 0 : 1;
}

function showFound() {
  const asked = search.value.trim() !== "";
  foundList.hidden = !asked;
  search.setAttribute("aria-expanded", String(asked));
  const entries = results.map((i, position) => {
    const entry = make("li", "", { id: `found-${position}`, role: "option", class: "pick",
      "aria-selected": position === active },
    [make("span", data.names[i]), make("small", `  ${domainOf(i)}`)]);
    entry.addEventListener("pointerdown", (event) => { event.preventDefault(); take(i); });
    return entry;
  });
  foundList.replaceChildren(...(entries.length ? entries
    : [make("li", "No function has such a name.", { role: "option", "aria-disabled": true })]));
  if (results.length) search.setAttribute("aria-activedescendant", `found-${active}`);
  else search.removeAttribute("aria-activedescendant");
  foundList.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
}

function take(i) {
  search.value = "";
  results = [];
  showFound();
  choose(i);
  element("panel").focus();
}

search.addEventListener("input", () => {
  results = find(search.value);
  active = 0;
  showFound();
});
search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    active = (active + step + results.length) % (results.length || 1);
    showFound();
  } else if (event.key === "Enter" && results.length) take(results[active]);
  else if (event.key === "Escape") {
    search.value = "";
    results = [];
    showFound();
    canvas.focus();
  }
});
search.addEventListener("blur", () => {
  foundList.hidden = true;
  search.setAttribute("aria-expanded", "false");
});

// ---- Beginning ----

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  readColours();
  fillLegend();
  redraw();
}

const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
element("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
element("closer").addEventListener("click", () => zoom(1.4));
element("farther").addEventListener("click", () => zoom(1 / 1.4));
element("whole").addEventListener("click", showWhole);
window.addEventListener("hashchange", follow);

if (edgeCount > strongest.length) {
  element("drawn").textContent = `The ${strongest.length.toLocaleString("en")} strongest of `
    + `${edgeCount.toLocaleString("en")} edges are drawn; point at a function for all of its own.`;
}
setTheme(dark.matches ? "dark" : "light");
resize();
showWhole();
follow();
new ResizeObserver(resize).observe(canvas);
