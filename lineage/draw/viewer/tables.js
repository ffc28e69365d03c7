// Tables, a page at a time: what the picture shows, for those who would rather read it; and the comparison of two things.

const PAGE = 100, NARROW = new Set(["steps", "level", "relation", "type", "time"]);

/** A table of rows (arrays of texts or elements) with a title, a page at a time. */
function paged(title, heads, rows) {
  const body = el("tbody"), where = el("span", { class: "pages" }), box = el("section", { class: "paged" });
  let first = 0;
  const show = () => {
    replaceIn(body, rows.slice(first, first + PAGE).map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))));
    const last = Math.min(first + PAGE, rows.length), turn = (by, text) => el("button", { type: "button", disabled: by < 0 ? first === 0 : last === rows.length, onclick: () => { first += by; show(); } }, text);
    replaceIn(where, rows.length > PAGE ? [turn(-PAGE, "‹ before"), ` ${(first + 1).toLocaleString("en")}–${last.toLocaleString("en")} of ${rows.length.toLocaleString("en")} `, turn(PAGE, "next ›")] : []);
  };
  show();
  replaceIn(box, title ? el("h3", {}, title) : null, el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: NARROW.has(head) ? "narrow" : false }, head)))), body), where);
  return box;
}

/** Everything on one side of the selection, as a table and as CSV. */
function closureTable(it, past) {
  const { model, state } = it, item = itemOf(model, state.select);
  if (item < 0) return nothing(`Select something, to see ${past ? "what led to it" : "what came of it"}.`);
  const node = item < model.nodes.length ? item : model.groups[item - model.nodes.length].node;
  const rows = node < 0 ? [] : closure(model, node, past), word = past ? "Sources" : "Consequences";
  if (!rows.length) return nothing(past ? "Nothing is recorded that led to it." : "Nothing is recorded that came of it.");
  const cells = rows.map((row) => [String(row.distance), el("span", {}, thingButton(it, row.node), el("small", {}, sessionOf(model, row.node))), model.nodes[row.node].type, model.nodes[row.node].time.slice(0, 16).replace("T", " ")]);
  return [
    el("p", { class: "actions" }, button(`Draw these ${word.toLowerCase()}`, () => it.act.set({ around: model.nodes[node].key, direction: past ? "past" : "future", depth: null, camera: null }), "draw"), button("Save as CSV", () => it.act.saveTable(rows, word), "csv")),
    paged(`${word} of ${plain(model.nodes[node].label)} (${rows.length.toLocaleString("en")})`, ["steps", "thing, and its session", "type", "time"], cells),
  ];
}

function sessionOf(model, n) {
  const { group } = model.nodes[n];
  return group >= 0 ? plain(model.groups[group].label) : "";
}

/** Both selections beside each other: the way between them, and what differs. */
function comparison(it) {
  const { model, state } = it, pair = [state.select, state.other].map((key) => itemOf(model, key));
  if (pair.some((item) => item < 0)) return nothing("Select two things: click one, then Shift and click the other (or press c, move, and press Enter).");
  const [one, other] = pair.map((item) => (item < model.nodes.length ? item : model.groups[item - model.nodes.length].node));
  const titles = pair.map((item) => thingButton(it, item));
  if (one < 0 || other < 0) return nothing("A row of sessions has no attributes that could be compared.");
  return [el("p", { class: "pair" }, titles[0], " and ", titles[1], " ", button("Swap", () => it.act.set({ select: state.other, other: state.select }), "swap")), wayTable(it, one, other), differences(model, one, other)];
}

function wayTable(it, one, other) {
  const { model } = it, direct = [...model.nodes[one].out, ...model.nodes[one].in].filter((n) => [model.relations[n].source, model.relations[n].target].includes(other));
  const way = direct.length ? direct : wayBetween(model, one, other);
  if (!way) return el("p", { class: "hint" }, "No relation leads from one to the other.");
  const rows = way.map((n) => {
    const { source, target, term, attributes } = model.relations[n];
    return [thingButton(it, source), el("span", {}, term, howOf(attributes)), thingButton(it, target)];
  });
  return paged("The way between them", ["newer thing", "relation", "older thing"], rows);
}

/** What a relation says besides its two ends. */
function howOf(attributes) {
  return attributes.map(([name, value]) => el("small", {}, `${name}: ${plain(value)}`));
}

function differences(model, one, other) {
  const [a, b] = [one, other].map((n) => {
    const values = new Map();
    for (const [name, value] of [["kind", model.nodes[n].kind], ["type", model.nodes[n].type], ...model.nodes[n].attributes, ...flatMetadata(model.nodes[n])]) push(values, name, plain(value));
    return values;
  });
  const names = [...new Set([...a.keys(), ...b.keys()])].sort(), text = (values, name) => (values.get(name) || []).join("\n");
  const rows = names.map((name) => [name, text(a, name), text(b, name)]), differing = rows.filter((row) => row[1] !== row[2]);
  const cells = differing.map(([name, left, right]) => [el("b", {}, name), el("span", { class: left ? "removed" : "" }, long(left) || "–"), el("span", { class: right ? "added" : "" }, long(right) || "–")]);
  const same = rows.length - differing.length;
  return [paged(`What differs (${differing.length})`, ["attribute", plain(model.nodes[one].label), plain(model.nodes[other].label)], cells), el("p", { class: "hint" }, `${same} attribute${same === 1 ? " is" : "s are"} the same.`)];
}

function flatMetadata(node) {
  if (!node.metadata) return [];
  const rows = [], walk = (value, path) => {
    if (value && typeof value === "object") for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
    else rows.push([`metadata ${path}`, String(value)]);
  };
  try {
    walk(JSON.parse(node.metadata), "");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return rows;
}

/** All that is drawn, as two tables in the place of the picture. */
function fillTables(box, it) {
  const { model, picture } = it;
  const things = picture.seen.items.map((item) => [thingButton(it, item), item < model.nodes.length ? model.nodes[item].kind : "closed", item < model.nodes.length ? model.nodes[item].type : model.groups[item - model.nodes.length].kind, boxAt(model, item).lines.join(" · ")]);
  const relations = [...picture.seen.edges, ...picture.seen.quietEdges].map((edge) => [thingButton(it, edge.source), el("button", { type: "button", class: "thing", onclick: () => it.act.edge(edge) }, toldOf(model, edge).join(" · ")), thingButton(it, edge.target)]);
  replaceIn(box, paged(`Things (${things.length.toLocaleString("en")})`, ["thing", "kind", "type", "about it"], things), paged(`Relations (${relations.length.toLocaleString("en")})`, ["newer thing", "relation", "older thing"], relations));
}
