// The data of the page -> a model: nodes, relations, groups, problems. `packed.py` says how they are packed.

const GROUP_WORDS = { session: "session", bundle: "bundle", sessions: "row of sessions", common: "used by several sessions" };
const FIRST = -3; // the first of the numbers that say how far a node is
const KINDS = ["entity", "activity", "agent"], ROLES = ["frame", "thing", "member", "configuration", "agent"];

/** Read the block of data, wherever it is. */
async function readData(block) {
  if (block.dataset.from) {
    const answer = await fetch(block.dataset.from, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${block.dataset.from}: ${answer.status}`);
    block.dataset.version = (answer.headers.get("ETag") || "").replace(/^W\/|"/g, "");
    return answer.json();
  }
  return JSON.parse(block.dataset.is === "pressed" ? await unpressed(block.textContent) : block.textContent);
}

/** What was packed, unpacked. A node's or group's `key` names it in addresses. */
function unpacked(data) {
  if (data.version !== 2) throw new Error(`this page reads version 2 of the data, not ${data.version}`);
  if (data.nodes.length) data.nodes[9] = timesOf(data.nodes[9]);
  const nodes = rowsOf(data.nodes).map((row) => nodeOf(row, data));
  attributesOf(nodes, data);
  const groups = rowsOf(data.groups).map((row) => groupOf(row, data, nodes));
  const byKey = new Map();
  nodes.forEach((node, n) => {
    node.key = byKey.has(node.tail) ? node.id : node.tail; // the end of the id is enough, unless two ids end so
    byKey.set(node.key, n);
  });
  groups.forEach((group, n) => { group.key = group.node >= 0 ? `in:${nodes[group.node].key}` : `row:${n}`; });
  const relations = relationsOf(data, nodes);
  nodes.forEach((node) => { node.problems = []; node.members = []; node.out = []; node.in = []; });
  nodes.forEach((node, n) => { if (node.parent >= 0) node.place = nodes[node.parent].members.push(n) - 1; });
  relations.forEach((one, n) => { nodes[one.source].out.push(n); nodes[one.target].in.push(n); });
  const problems = data.problems.map(([level, text, those]) => ({ level, text, nodes: those }));
  problems.forEach((one, n) => one.nodes.forEach((node) => nodes[node].problems.push(n)));
  const { title, themes, measures, wish } = data;
  const model = { title, themes, measures, wish, nodes, groups, relations, problems };
  model.steps = data.steps ? { nodes: data.steps[0], following: data.steps[1], starts: new Map(data.steps[2].map(([node, ...at]) => [node, at])) } : null;
  model.byKey = byKey;
  model.groupByKey = new Map(groups.map((group, n) => [group.key, n]));
  return model;
}

/** Is a group a session or a bundle, and not a row of them or what they share? */
function isFrame(group) {
  return group.kind === "session" || group.kind === "bundle";
}

/** Columns as rows. */
function rowsOf(columns) {
  return columns.length ? columns[0].map((_, n) => columns.map((column) => column[n])) : [];
}

function nodeOf(row, data) {
  const [tail, place, type, label, fitted, lines, width, group, parent, time, , metadata, link] = row;
  return {
    id: data.bases[Math.floor(place / ROLES.length / KINDS.length)] + tail, tail, label, group, parent, time, link,
    kind: KINDS[Math.floor(place / ROLES.length) % KINDS.length], role: ROLES[place % ROLES.length], type: data.texts[type],
    box: boxOf(fitted, lines, width, data.measures), attributes: [],
    metadata: metadata ? data.metadata[metadata - 1] : "",
  };
}

function groupOf(row, data, nodes) {
  const [kind, ownLabel, fitted, lines, width, node, parent, ownTime, loaderVersions, quantizations] = row;
  const label = ownLabel || nodes[node].label, time = ownTime || (node >= 0 ? nodes[node].time : "");
  return { kind, label, box: boxOf(fitted || label, lines, width, data.measures), node, parent, time, loaderVersions, quantizations };
}

function boxOf(label, lines, width, measures) {
  return { label, lines, width, height: measures.one + measures.more * lines.length };
}

// Texts on boxes that repeat an attribute: its name, and what is made of it; packed.py tells them by number.
const TOLD = [["lin:lines", (lines) => `lines ${lines}`], ["lin:count", (count) => `${count} records`], ["lin:count", (count) => `${count.replace(/\B(?=(\d{3})+$)/g, ",")} records`]];

/** Attributes and labels. Nodes whose attributes have the same names stand together, value by value. */
function attributesOf(nodes, data) {
  const met = data.shapes.map(() => 0);
  (data.nodes[10] || []).forEach((shape, n) => {
    const node = nodes[n], row = met[shape]++, names = data.shapes[shape].map((name) => data.texts[name]);
    const cell = (k) => cellOf(data.columns[shape][k][row], data, nodes, n);
    const told = (text) => (typeof text === "number" ? TOLD[text][1](cell(names.indexOf(TOLD[text][0]))) : text);
    node.label = told(node.label);
    Object.assign(node.box, { label: node.box.label || node.label, lines: node.box.lines.map(told) });
    node.attributes = names.map((name, k) => [name, cell(k)]);
  });
}

function cellOf(cell, data, nodes, at) {
  return typeof cell === "number" && cell >= 0 ? data.pairs[cell][1] : valueOf(cell, nodes, at);
}

/** Names and values: a number is a pair that occurs often; below zero it is a name, and its value follows: a way, or a node by how far it is from the one before. */
function pairsOf(flat, data, nodes, at, ways) {
  const found = [];
  let near = at;
  for (let n = 0; n < flat.length; n++) {
    if (flat[n] >= 0) { found.push([data.texts[data.pairs[flat[n]][0]], data.pairs[flat[n]][1]]); continue; }
    const name = data.texts[-1 - flat[n]], value = flat[++n], isNode = typeof value === "number" && (value >= 0 || value <= FIRST);
    if (isNode) near = value >= 0 ? ways[value] : near - unfolded(FIRST - value);
    found.push([name, isNode ? `id:${nodes[near].tail}` : valueOf(value, nodes, at)]);
  }
  return found;
}

/** A text; or what says where it stands: the time, the label, the id of a node, the end of the id, or seconds after the time. */
function valueOf(value, nodes, at) {
  const node = nodes[at];
  if (typeof value === "number") return value === -1 ? node.time : value === -2 ? node.label : `id:${nodes[at - unfolded(FIRST - value)].tail}`;
  if (value[0] !== "~") return value;
  const rest = value.slice(2);
  return value[1] === "e" ? node.id.slice(-Number(rest)) : value[1] === "t" ? later(node.time, Number(rest)) : value.slice(1);
}

function unfolded(number) {
  return number % 2 ? -(number + 1) / 2 : number / 2;
}

function timesOf(times) {
  let before = "";
  return times.map((time) => {
    const told = typeof time === "number" ? later(before, time) : time;
    before = told || before;
    return told;
  });
}

function later(time, seconds) {
  return `${new Date(Date.parse(time.slice(0, 19) + "Z") + 1000 * seconds).toISOString().slice(0, 19)}${time.slice(19)}`;
}

function relationsOf(data, nodes) {
  const { source, target, term, said } = data.relations, ways = nodes.map(() => []);
  let at = 0;
  const relations = source.map((move, n) => {
    at += move;
    const half = target[n] >> 1, one = { source: at, target: target[n] % 2 ? half : at - unfolded(half), term: data.texts[term[n] >> 1], isTold: Boolean(term[n] & 1) };
    ways[at].push(one.target);
    return one;
  });
  const both = (at) => [...(nodes[at].parent >= 0 ? ways[nodes[at].parent] : []), ...ways[at]];
  relations.forEach((one, n) => { one.attributes = said[n] < 0 ? [] : pairsOf(data.attributes[said[n]], data, nodes, one.source, both(one.source)); });
  return relations;
}
