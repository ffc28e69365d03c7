// The viewer itself: a state, what is drawn of it, and what can be done.

async function start() {
  const app = document.getElementById("app");
  try {
    const model = unpacked(await readData(document.getElementById("data")));
    const it = { model, state: stateOf(model, location.hash), focused: -1, picking: false, dragged: false, picture: null, palette: null };
    it.spread = spreader(model);
    it.act = actions(it);
    it.parts = built(app, it);
    listenTo(it);
    redraw(it);
    document.body.dataset.ready = "1";
  } catch (error) {
    replaceIn(app, el("p", { role: "alert", class: "failed" }, `The lineage cannot be shown: ${error.message}`));
    throw error;
  }
}

/** Draw everything anew from the state. */
function redraw(it, theme = it.state.theme) {
  const { model, state, parts } = it;
  document.documentElement.dataset.theme = theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  it.palette = model.themes[document.documentElement.dataset.theme];
  const wish = wishOf(model, state), picture = it.spread(wish, numbered(model, state.steps));
  if (picture.left === undefined) resized(model, picture);
  it.picture = picture;
  it.marks = marksOf(it);
  parts.picture.replaceChildren(svgEl("title", {}, plain(model.title)), arrows(it.palette), parts.world);
  paint(parts.world, model, picture, it.palette, it.marks, it.act);
  for (const [name, isHidden] of [["picture", state.table], ["tables", !state.table], ["map", state.table]]) parts[name].toggleAttribute("hidden", isHidden);
  if (state.table) fillTables(parts.tables, it);
  fillSide(parts.side, it);
  fillPanel(parts.panel, it);
  parts.status.textContent = `${toldOfView(picture, model)}${it.picking ? " Now choose the second thing." : ""}`;
  parts.trail.textContent = picture.seen.focus >= 0 ? plain(`${picture.seen.about} ${model.nodes[picture.seen.focus].label}`) : "";
  it.eye = paintMap(parts.map, model, picture, it.palette, it.marks, (x, y) => it.act.look({ ...it.camera, x, y }));
  aim(it);
  rove(it);
}

const LIGHT = new Set(["select", "other", "tab", "camera"]);

/** Draw what a selection changes, and leave the rest as it is. */
function redrawSelection(it) {
  const { model, picture, palette, parts } = it;
  it.marks = marksOf(it);
  remark(parts.world, model, picture, palette, it.marks, it.act);
  remarkMap(parts.map, it.marks);
  fillPanel(parts.panel, it);
  parts.status.textContent = toldOfView(picture, model);
  aim(it);
  rove(it);
}

/** What is marked: the selection, what it is related to, and the way between two. */
function marksOf({ model, state, picture }) {
  const [first, second] = [state.select, state.other].map((key) => drawnItem(model, picture, itemOf(model, key)));
  const items = new Set([first, second].filter((item) => item >= 0)), edges = new Set(), near = new Set();
  const way = first >= 0 && second >= 0 ? wayOnPicture(model, picture, state) : null;
  for (const edge of [...picture.seen.edges, ...picture.seen.quietEdges]) {
    const isOn = way ? way.has(keyOfEdge(edge)) : edge.source === first || edge.target === first, hub = picture.seen.quiet.has(edge.target) ? edge.target : edge.source;
    if (!isOn) continue;
    if (way || hub === first || !picture.seen.quiet.has(hub)) edges.add(keyOfEdge(edge)); // to what many use, a line is drawn from there only
    for (const item of [edge.source, edge.target]) (way ? items : near).add(item);
  }
  return { first, second, items, edges, near, dims: items.size > 0 && !(first === picture.seen.focus && second < 0) };
}

function drawnItem(model, picture, item) {
  if (item < 0 || picture.centres.has(item)) return item;
  if (item < model.nodes.length) return picture.centres.has(picture.seen.places[item]) ? picture.seen.places[item] : -1;
  let group = model.groups[item - model.nodes.length].parent;
  while (group >= 0 && !picture.centres.has(group + model.nodes.length)) group = model.groups[group].parent;
  return group < 0 ? -1 : group + model.nodes.length;
}

function wayOnPicture(model, picture, state) {
  const nodeOf = (key) => model.byKey.get(key) ?? -1, [one, other] = [nodeOf(state.select), nodeOf(state.other)];
  const way = one < 0 || other < 0 ? null : wayBetween(model, one, other), keys = new Set();
  for (const n of way || []) keys.add(`${picture.seen.places[model.relations[n].source]} ${picture.seen.places[model.relations[n].target]}`);
  return keys;
}

function viewport({ parts }) {
  const { width, height } = parts.picture.getBoundingClientRect();
  return { width: width || 900, height: height || 600 };
}

function aim(it) {
  const view = viewport(it), { picture, state } = it;
  it.camera = state.camera ? clamped(state.camera, picture, view) : firstCamera(picture, view, [it.marks.first, picture.seen.focus].find((item) => item >= 0) ?? newest(it.model, picture));
  applyCamera(it);
}

/** What is drawn and was made last. */
function newest(model, { seen }) {
  const time = (item) => (item < model.nodes.length ? model.nodes[item].time : model.groups[item - model.nodes.length].time);
  return seen.items.reduce((last, item) => (last < 0 || time(item) > time(last) ? item : last), -1);
}

function applyCamera(it) {
  const view = viewport(it);
  it.parts.world.setAttribute("transform", transformOf(it.camera, view));
  moveEye(it.eye, it.camera, view);
  const isWhole = it.picture.width * it.camera.scale <= view.width && it.picture.height * it.camera.scale <= view.height;
  it.parts.map.toggleAttribute("hidden", isWhole || it.state.table);
}

/** Paper has a size of its own, and shows all of the picture. */
function wholeOnPaper({ parts, picture }) {
  parts.picture.setAttribute("viewBox", [picture.left - 20, picture.top - 20, picture.width + 40, picture.height + 40].join(" "));
  parts.world.removeAttribute("transform");
}

/** One thing can be reached by Tab: the one that has the focus, else what is selected, else the first. */
function rove(it) {
  const wanted = [it.focused, it.marks.first, it.picture.seen.items[0]].find((item) => item >= 0 && it.picture.centres.has(item)) ?? -1;
  it.focused = wanted;
  for (const box of it.parts.world.querySelectorAll(".boxes > .box")) attribute(box, "tabindex", Number(box.dataset.item) === wanted ? 0 : -1);
}

function boxElement(it, item) {
  return item < 0 ? null : [...it.parts.world.querySelectorAll(".box")].find((box) => Number(box.dataset.item) === item);
}

/** Tell the state in the address; where something else is drawn, *isStep*, the browser's Back leads to what was drawn before. */
function remember(it, isStep = false) {
  const fragment = fragmentOf(it.model, it.state), address = fragment ? `#${fragment}` : location.href.split("#")[0];
  clearTimeout(waiting);
  if (isStep && fragment !== location.hash.slice(1)) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

let waiting = 0;
function rememberSoon(it) {
  clearTimeout(waiting);
  waiting = setTimeout(() => remember(it), 150);
}

function listenTo(it) {
  const { parts, act } = it;
  let chosen = 0, items = [];
  movable(parts.picture, it);
  parts.picture.addEventListener("keydown", (event) => { if (pressed(event, it)) event.preventDefault(); });
  parts.search.addEventListener("input", () => { chosen = 0; items = fillHits(parts, it, parts.search.value, chosen); });
  parts.search.addEventListener("blur", () => closeHits(parts));
  parts.search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { parts.search.value = ""; closeHits(parts); }
    else if (event.key === "Enter" && items[chosen] !== undefined) { act.go(items[chosen]); closeHits(parts); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      chosen = Math.min(Math.max(chosen + (event.key === "ArrowDown" ? 1 : -1), 0), Math.max(items.length - 1, 0));
      items = fillHits(parts, it, parts.search.value, chosen);
      event.preventDefault();
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input, select, textarea") || parts.picture.contains(event.target);
    if (event.key === "/" && !event.target.matches("input, select, textarea")) { parts.search.focus(); event.preventDefault(); }
    else if (!isTyping && (event.key === "t" || event.key === "Escape") && !parts.help.open) pressed(event, it);
  });
  addEventListener("resize", () => { aim(it); });
  addEventListener("popstate", () => { clearTimeout(waiting); it.state = stateOf(it.model, location.hash); redraw(it); });
  addEventListener("beforeprint", () => { redraw(it, "light"); wholeOnPaper(it); });
  addEventListener("afterprint", () => { parts.picture.removeAttribute("viewBox"); redraw(it); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(it));
}

start();
