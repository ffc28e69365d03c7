// The data of the page -> a model: nodes, relations, groups, problems. `packed.py` says how they are packed.

const KINDS = ["entity", "activity", "agent"], ROLES = ["frame", "thing", "member", "configuration", "agent"];

/** Read the block of data, wherever it is. */
async function readData(block) {
  if (block.dataset.from) {
    const answer = await fetch(block.dataset.from, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${block.dataset.from}: ${answer.status}`);
    return answer.json();
  }
  if (block.dataset.pressed !== "gzip") return JSON.parse(block.textContent);
  const bytes = Uint8Array.from(atob(block.textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** What was packed, unpacked. A node's or group's `key` names it in addresses. */
function unpacked(data) {
  if (data.version !== 1) throw new Error(`this page reads version 1 of the data, not ${data.version}`);
  const nodes = data.nodes.map((row) => nodeOf(row, data));
  const groups = data.groups.map((row) => groupOf(row, data));
  groups.forEach((group, n) => { group.key = group.node >= 0 ? nodes[group.node].key : `row${n}`; });
  const relations = relationsOf(data, nodes);
  nodes.forEach((node) => { node.problems = []; node.members = []; node.out = []; node.in = []; });
  nodes.forEach((node, n) => { if (node.parent >= 0) node.place = nodes[node.parent].members.push(n) - 1; });
  relations.forEach((one, n) => { nodes[one.source].out.push(n); nodes[one.target].in.push(n); });
  const problems = data.problems.map(([level, text, those]) => ({ level, text, nodes: those }));
  problems.forEach((one, n) => one.nodes.forEach((node) => nodes[node].problems.push(n)));
  const { title, themes, measures, wish } = data;
  const model = { title, themes, measures, wish, nodes, groups, relations, problems };
  model.byKey = new Map(nodes.map((node, n) => [node.key, n]));
  model.groupByKey = new Map(groups.map((group, n) => [group.key, n]));
  return model;
}

function nodeOf(row, data) {
  const [id, kindAndRole, type, label, fitted, lines, width, group, parent, time, attributes, metadata, link] = row;
  return {
    id, key: id.slice(Math.max(id.lastIndexOf("/"), id.lastIndexOf("#")) + 1) || id, label, group, parent, time, link,
    kind: KINDS[Math.floor(kindAndRole / ROLES.length)], role: ROLES[kindAndRole % ROLES.length], type: data.texts[type],
    box: boxOf(fitted || label, lines, width, data.measures), attributes: pairs(attributes, data.texts),
    metadata: metadata ? data.metadata[metadata - 1] : "",
  };
}

function groupOf(row, data) {
  const [kind, label, fitted, lines, width, node, parent, time, loaderVersions, quantizations] = row;
  return { kind, label, box: boxOf(fitted || label, lines, width, data.measures), node, parent, time, loaderVersions, quantizations };
}

function boxOf(label, lines, width, measures) {
  return { label, lines, width, height: measures.one + measures.more * lines.length };
}

function pairs(flat, texts) {
  const found = [];
  for (let n = 0; n < flat.length; n += 2) found.push([texts[flat[n]], flat[n + 1]]);
  return found;
}

function relationsOf(data, nodes) {
  const { source, step, term, said } = data.relations;
  let at = 0;
  return source.map((move, n) => {
    at += move;
    const attributes = said[n] > 1 ? pairs(data.attributes[said[n] - 2], data.texts) : said[n] ? [["time", nodes[at].time]] : [];
    return { source: at, target: at - step[n], term: data.texts[term[n] >> 1], isTold: Boolean(term[n] & 1), attributes };
  });
}
