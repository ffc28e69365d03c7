// Walks over the whole model, whatever of it is drawn: what led to a thing, what came of it, and the way between two.

/** Rows of everything on one side of a node, agents and configurations too: [{ node, distance, term }], the nearest first. */
function closure(model, node, past) {
  const affected = past ? null : affectedBy(model, node);
  if (affected) return [...affected].filter(([one]) => one !== node).map(([one, distance]) => ({ node: one, distance, term: "" }));
  const rows = new Map([[node, { node, distance: 0, term: "" }]]), waiting = [node];
  for (let at = 0; at < waiting.length; at++) {
    const from = waiting[at], row = rows.get(from);
    for (const n of past ? model.nodes[from].out : model.nodes[from].in) {
      const one = model.relations[n], to = past ? one.target : one.source;
      if (!rows.has(to)) {
        rows.set(to, { node: to, distance: row.distance + 1, term: one.term });
        waiting.push(to);
      }
    }
  }
  rows.delete(node);
  return [...rows.values()];
}

/** What was made from a node: Map of node to distance, the nearest first, itself at 0; null where the steps are not known (draw/steps.py). */
function affectedBy(model, node) {
  const { steps } = model;
  if (!steps || !steps.starts.has(node)) return null;
  const distances = new Map(steps.starts.get(node).map((at) => [at, 0])), waiting = [...distances.keys()];
  for (let n = 0; n < waiting.length; n++) {
    const at = waiting[n];
    for (const newer of steps.following[at]) {
      if (distances.has(newer)) continue;
      distances.set(newer, distances.get(at) + 1);
      waiting.push(newer);
    }
  }
  const found = new Map([[node, 0]]);
  for (const [at, distance] of distances) if (steps.nodes[at] >= 0 && !found.has(steps.nodes[at])) found.set(steps.nodes[at], distance);
  return found;
}

/** The shortest way from the newer to the older of two nodes, else any way at all: [relation, …]; null where there is none. */
function wayBetween(model, one, other) {
  return walked(model, one, other, true) || walked(model, other, one, true) || walked(model, one, other, false);
}

function walked(model, from, to, isDirected) {
  const came = new Map([[from, -1]]), waiting = [from];
  for (let at = 0; at < waiting.length && !came.has(to); at++) {
    const here = waiting[at], node = model.nodes[here];
    const next = [...node.out.map((n) => [n, model.relations[n].target]), ...(isDirected ? [] : node.in.map((n) => [n, model.relations[n].source]))];
    for (const [n, there] of next) {
      const isHub = !isDirected && there !== to && ["agent", "configuration"].includes(model.nodes[there].role);
      if (came.has(there) || model.relations[n].isTold || isHub) continue;
      came.set(there, n);
      waiting.push(there);
    }
  }
  if (!came.has(to) || from === to) return null;
  const relations = [];
  for (let here = to; here !== from; ) {
    const n = came.get(here);
    relations.unshift(n);
    here = model.relations[n].target === here ? model.relations[n].source : model.relations[n].target;
  }
  return relations;
}
