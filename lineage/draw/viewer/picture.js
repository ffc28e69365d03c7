// The picture as SVG elements: the same shapes as svg.py draws. Colours are attributes, so that what is saved looks the same alone.

const ORDER_OF_TERMS = (palette) => Object.keys(palette.relations);

/** Draw `picture` into `world`, and leave what is there already and has not changed; `marks` say what is selected or on the way. */
function paint(world, model, picture, palette, marks, listen) {
  const { seen } = picture, ways = seen.edges.map((edge) => wayOfEdge(model, picture, edge));
  if (!world.firstChild) world.append(...["frames", "members", "edges", "quiet", "boxes", "names"].map((name) => svgEl("g", { class: name })));
  const [frames, members, edges, , boxes] = world.children;
  frames.replaceChildren(...[...picture.frames].sort((a, b) => b[0] - a[0]).map(([group, rect]) => frameOf(model, group, rect, palette, listen)));
  members.replaceChildren(...[...picture.memberFrames].map(([node, rect]) => memberFrame(model, node, rect, palette, listen)));
  renew(edges, ways.map((way) => [keyOfEdge(way.edge), `${way.path} ${toldOf(model, way.edge)} ${palette.ground}`, () => edgeOf(model, way, palette, listen)]));
  renew(boxes, seen.items.map((item) => [String(item), signatureOf(model, picture, item, palette), () => boxOfItem(model, picture, item, palette, listen)]));
  remark(world, model, picture, palette, marks, listen);
}

/** Make the children of a layer what is wanted, [key, signature, make] each: what has the same signature stays. */
function renew(layer, wanted) {
  const there = new Map([...layer.children].map((child) => [child.dataset.id, child]));
  for (const [key, signature, make] of wanted) {
    const old = there.get(key);
    there.delete(key);
    if (old && old.signature === signature) continue;
    const made = make();
    made.dataset.id = key;
    made.signature = signature;
    if (old) old.replaceWith(made);
    else layer.append(made);
  }
  for (const child of there.values()) child.remove();
}

function signatureOf(model, picture, item, palette) {
  return `${picture.centres.get(item)} ${isStacked(model, picture, item)} ${picture.seen.quiet.get(item) || 0} ${picture.seen.wrong.get(item) || 0} ${palette.ground}`;
}

function isStacked(model, picture, item) {
  return item < model.nodes.length && model.nodes[item].members.length > 0 && !picture.unfolded.has(item);
}

function wayOfEdge(model, { centres, routes }, edge) {
  const { source, target } = edge;
  return { edge, ...wayOf(centres.get(source), boxAt(model, source), centres.get(target), boxAt(model, target), routes.get(keyOfEdge(edge))) };
}

/** The lines that are drawn only while they are marked, and the names of relations. */
function paintMarked(world, model, picture, palette, marks, listen) {
  const { seen } = picture, isLabelled = seen.edges.length <= LABELLED, isMarked = (edge) => marks.edges.has(keyOfEdge(edge));
  const quiet = seen.quietEdges.filter(isMarked).map((edge) => wayOfEdge(model, picture, edge));
  const named = seen.edges.filter((edge) => isLabelled || isMarked(edge)).map((edge) => wayOfEdge(model, picture, edge));
  world.querySelector(".quiet").replaceChildren(...quiet.map((way) => edgeOf(model, way, palette, listen)));
  world.querySelector(".names").replaceChildren(...[...named, ...quiet].map((way) => nameOf(model, way, palette, marks)));
}

/** Mark what is selected now in a picture that is drawn already. */
function remark(world, model, picture, palette, marks, listen) {
  for (const edge of world.querySelectorAll(".edges > .edge")) {
    const isOn = marks.edges.has(edge.dataset.edge);
    attribute(edge, "opacity", marks.dims && !isOn ? 0.25 : null);
    attribute(edge.lastChild, "stroke-width", isOn ? 2.6 : 1.3);
  }
  for (const box of world.querySelectorAll(".boxes > .box")) {
    const item = Number(box.dataset.item), isOn = marks.items.has(item);
    attribute(box, "class", classOf(item, marks));
    attribute(box, "aria-pressed", String(marks.first === item));
    attribute(box, "opacity", marks.dims && !isOn && !marks.near.has(item) ? 0.35 : null);
    for (const line of box.querySelectorAll(".outline")) attribute(line, "stroke-width", isOn || item === picture.seen.focus ? 3 : 1);
  }
  paintMarked(world, model, picture, palette, marks, listen);
}

function attribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

function classOf(item, marks) {
  return `box${marks.items.has(item) ? " marked" : ""}${marks.first === item ? " first" : ""}${marks.second === item ? " second" : ""}`;
}

function keyOfEdge(edge) {
  return `${edge.source} ${edge.target}`;
}

function colourOf(terms, palette) {
  const order = ORDER_OF_TERMS(palette), rank = (term) => (palette.relations[term] ? order.indexOf(term) : order.length);
  const main = [...terms.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))[0];
  return palette.relations[main] || palette.other;
}

function toldOf(model, edge) {
  const isCounted = Math.max(edge.source, edge.target) >= model.nodes.length;
  return [...edge.terms].sort().map(([term, count]) => (isCounted && count > 1 ? `${term} ×${count.toLocaleString("en")}` : term));
}

function frameOf(model, group, [x, y, width, height], palette, listen) {
  const { box, label, key } = model.groups[group], state = box.lines.length ? box.lines[box.lines.length - 1] : "";
  const title = svgEl("text", { x: x + 14, y: y + 21, "font-size": 12.5, "font-weight": 600, fill: palette.frame.title }, box.label);
  if (state) title.append(svgEl("tspan", { dx: 10, "font-size": 11, "font-weight": 400, fill: palette.frame.text }, state));
  return svgEl(
    "g", { "data-frame": key },
    svgEl("title", {}, plain(label)),
    svgEl("rect", { x, y, width, height, rx: 8, fill: palette.frame.fill, stroke: palette.frame.line }),
    title,
    shutter(x + width - 24, y + 8, palette, `Close ${label}`, () => listen.step(`-${key}`)),
  );
}

function memberFrame(model, node, [x, y, width, height], palette, listen) {
  const { label, key, members } = model.nodes[node], rest = members.length - MEMBERS;
  const title = rest > 0 ? `${MEMBERS} of ${members.length.toLocaleString("en")} members` : `${members.length} member${members.length === 1 ? "" : "s"}`;
  return svgEl(
    "g", { "data-members": key },
    svgEl("title", {}, plain(`Members of ${label}`)),
    svgEl("rect", { x, y, width, height, rx: 8, fill: palette.frame.fill, stroke: palette.frame.line, "stroke-dasharray": "5 4" }),
    svgEl("text", { x: x + 14, y: y + 21, "font-size": 11.5, "font-weight": 600, fill: palette.frame.title }, title),
    shutter(x + width - 24, y + 8, palette, `Hide the members of ${label}`, () => listen.step(`/${key}`)),
  );
}

function shutter(x, y, palette, label, onclick) {
  return svgEl(
    "g", { class: "shutter", role: "button", tabindex: -1, "aria-label": plain(label), onclick },
    svgEl("rect", { x, y, width: 16, height: 16, rx: 3, fill: palette.frame.fill, stroke: palette.frame.line }),
    svgEl("path", { d: `M${x + 4} ${y + 8}h8`, stroke: palette.frame.title, "stroke-width": 1.6 }),
  );
}

function edgeOf(model, { edge, path }, palette, listen) {
  const colour = colourOf(edge.terms, palette), key = keyOfEdge(edge);
  const title = `${boxAt(model, edge.source).label} ${toldOf(model, edge).join(" · ")} ${boxAt(model, edge.target).label}`;
  return svgEl(
    "g", { class: "edge", "data-edge": key, fill: "none", onclick: (event) => listen.edge(edge, event) },
    svgEl("title", {}, plain(title)),
    svgEl("path", { d: path, stroke: colour, "stroke-opacity": 0, "stroke-width": 12 }),
    svgEl("path", { d: path, stroke: colour, "stroke-width": 1.3, "marker-end": `url(#arrow${colour.slice(1)})` }),
  );
}

function nameOf(model, { edge, begin, beside }, palette, marks) {
  const names = toldOf(model, edge), [x, y] = namedAt(begin, beside), top = y - 4 - 11 * (names.length - 1);
  const text = () => svgEl("text", { x, y: top }, names.map((name, n) => svgEl("tspan", { x, dy: n ? 11 : 0 }, name)));
  const halo = { stroke: palette.ground, "stroke-opacity": 0.9, "stroke-width": 3, "stroke-linejoin": "round" };
  const isFaint = marks.dims && !marks.edges.has(keyOfEdge(edge)); // drawn twice: not every program that reads SVG knows paint-order
  return svgEl("g", { "font-size": 10, "text-anchor": "middle", fill: colourOf(edge.terms, palette), opacity: isFaint ? 0.3 : null }, svgEl("g", halo, text()), text());
}

function boxOfItem(model, picture, item, palette, listen) {
  const node = item < model.nodes.length ? model.nodes[item] : null, box = boxAt(model, item), [x, y] = picture.centres.get(item);
  const key = keyOf(model, item), kind = node ? node.kind : "group";
  return svgEl(
    "g", {
      class: "box", "data-item": item, "data-key": key, "data-kind": kind, role: "button", tabindex: -1, "aria-label": spoken(model, picture, item), "text-anchor": "middle",
      onclick: (event) => listen.item(item, event), ondblclick: (event) => listen.enter(item, event), onfocus: () => listen.focus(item),
    },
    svgEl("title", {}, plain(spoken(model, picture, item))),
    outline(kind, x, y, box, palette, isStacked(model, picture, item)),
    words(box, x, y, palette),
    badge(picture.seen.wrong.get(item) || 0, x, y, box),
    uses(picture.seen.quiet.get(item) || 0, x, y, box, palette),
  );
}

function spoken(model, picture, item) {
  const node = item < model.nodes.length ? model.nodes[item] : null, box = boxAt(model, item);
  const count = picture.seen.wrong.get(item) || 0, problems = count ? [`${count} finding${count > 1 ? "s" : ""}`] : [];
  const label = node ? node.label : model.groups[item - model.nodes.length].label;
  return plain([`${node ? node.kind : "closed"}: ${label}`, ...box.lines, ...problems].join(", "));
}

function outline(kind, x, y, { width, height }, palette, hasBehind) {
  const style = { class: "outline", fill: palette.fill[kind], stroke: palette.line[kind], "stroke-width": 1 }, left = x - width / 2, top = y - height / 2;
  if (kind === "agent") return svgEl("path", { d: `M${left} ${top + height}V${top + 8}L${x} ${top - 5}L${left + width} ${top + 8}V${top + height}z`, ...style });
  const rx = kind === "entity" ? height / 2 : kind === "group" ? 8 : 2, behind = kind === "group" ? [6, 3] : hasBehind ? [3] : [];
  return svgEl("g", {}, [...behind, 0].map((off) => svgEl("rect", { x: left + off, y: top + off, width, height, rx, ...style })));
}

function words(box, x, y, palette) {
  const top = y + 4.5 - 7.5 * box.lines.length;
  const under = box.lines.map((line, n) => svgEl("text", { x, y: top + 15 * (n + 1), "font-size": 11, fill: palette.under }, line));
  return svgEl("g", {}, svgEl("text", { x, y: top, "font-size": 13, fill: palette.on }, box.label), under);
}

function badge(count, x, y, box) {
  if (!count) return null;
  const cx = x + box.width / 2 - 8, cy = y - box.height / 2 + 2;
  return svgEl("g", { class: "badge" }, svgEl("circle", { cx, cy, r: 8, fill: "#B3261E", stroke: "#FFFFFF" }), svgEl("text", { x: cx, y: cy + 4, "font-size": 11, "font-weight": 700, fill: "#FFFFFF" }, String(count)));
}

function uses(count, x, y, box, palette) {
  if (!count) return null;
  const text = `${count.toLocaleString("en")} uses`, width = 6.4 * text.length + 12, top = y + box.height / 2 - 7;
  return svgEl("g", {}, svgEl("rect", { x: x - width / 2, y: top, width, height: 15, rx: 7.5, fill: "#FFFFFF", stroke: palette.line.entity }), svgEl("text", { x, y: top + 11, "font-size": 10, fill: "#333333" }, text));
}

/** Arrow heads, one a colour. */
function arrows(palette) {
  const colours = [...new Set([...Object.values(palette.relations), palette.other])];
  return svgEl("defs", {}, colours.map((colour) => svgEl("marker", { id: `arrow${colour.slice(1)}`, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 8, markerHeight: 8, markerUnits: "userSpaceOnUse", orient: "auto" }, svgEl("path", { d: "M0 1L10 5L0 9z", fill: colour }))));
}
