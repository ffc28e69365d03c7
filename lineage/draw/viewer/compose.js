// A view laid out: each open group in a frame of its own. The same algorithm as compose.py: change both.

const PAD = 16, HEAD = 34, LABELLED = 40, GAP = 56, WIDE_GAP = 98, ROOT = -1;

/** Place everything that `seen` shows, or what it shows inside of one frame. */
function compose(model, seen, within = ROOT) {
  const count = model.nodes.length, frames = framesOf(model, seen), gapX = seen.edges.length <= LABELLED ? WIDE_GAP : GAP;
  const up = new Map(), inside = new Map(), edges = new Map();
  for (const item of [...seen.items, ...[...frames].map((group) => count + group)]) up.set(item, outerOf(model, item, frames));
  const turn = (item) => (item < count ? 0 : ["sessions", "common"].includes(model.groups[item - count].kind) ? 1 : 2);
  for (const item of [...up.keys()].sort((a, b) => turn(a) - turn(b) || a - b)) push(inside, up.get(item), item);
  for (const edge of seen.edges) {
    const [container, a, b] = levelOf(up, edge);
    if (!edges.has(container)) edges.set(container, new Map());
    push(edges.get(container), `${a} ${b}`, edge);
  }
  return composed({ model, inside, edges, gapX }, within);
}

function push(map, key, value) {
  if (map.has(key)) map.get(key).push(value);
  else map.set(key, [value]);
}

/** The open groups that something of is drawn, if there is more than one group. */
function framesOf(model, seen) {
  const found = new Set();
  if (!seen.framed || model.groups.length < 2) return found;
  for (const item of seen.items) {
    let group = item < model.nodes.length ? model.nodes[item].group : model.groups[item - model.nodes.length].parent;
    for (; group >= 0 && !found.has(group); group = model.groups[group].parent) found.add(group);
  }
  return found;
}

function outerOf(model, item, frames) {
  let group = item < model.nodes.length ? model.nodes[item].group : model.groups[item - model.nodes.length].parent;
  while (group >= 0 && !frames.has(group)) group = model.groups[group].parent;
  return group < 0 ? ROOT : model.nodes.length + group;
}

function levelOf(up, { source, target }) {
  const over = new Map();
  for (let at = source; at !== ROOT; at = up.get(at)) over.set(up.get(at), at);
  let at = target;
  while (!over.has(up.get(at))) at = up.get(at);
  return [up.get(at), over.get(up.get(at)), at];
}

function composed(it, container) {
  const inside = it.inside.get(container) || [], count = it.model.nodes.length;
  const parts = new Map(inside.filter((item) => it.inside.has(item)).map((item) => [item, composed(it, item)]));
  const sizes = inside.map((item) => sizeOf(it.model, item, parts)), number = new Map(inside.map((item, n) => [item, n]));
  const pairs = [...(it.edges.get(container) || [])].map(([key, edges]) => [key.split(" ").map((item) => number.get(Number(item))), edges]);
  const flat = layout(sizes, pairs.map(([pair]) => pair), it.gapX, container === ROOT);
  const found = { centres: new Map(), frames: new Map(), routes: new Map(), width: flat.width, height: flat.height };
  inside.forEach((item, n) => {
    const [x, y] = flat.centres[n], [width, height] = sizes[n];
    if (!parts.has(item)) found.centres.set(item, [x, y]);
    else nest(found, item - count, parts.get(item), [rounded(x - width / 2), rounded(y - height / 2), width, height]);
  });
  for (const [[a, b], edges] of pairs) {
    const route = flat.routes.get(`${a} ${b}`) || { points: [], turned: false };
    for (const edge of edges) found.routes.set(`${edge.source} ${edge.target}`, route);
  }
  return found;
}

function sizeOf(model, item, parts) {
  const box = boxAt(model, item), part = parts.get(item);
  return part ? [Math.max(box.width, part.width + 2 * PAD), part.height + HEAD + PAD] : [box.width, box.height];
}

function nest(found, group, part, rect) {
  const dx = rect[0] + PAD, dy = rect[1] + HEAD, moved = ([x, y]) => [rounded(x + dx), rounded(y + dy)];
  found.frames.set(group, rect);
  for (const [item, centre] of part.centres) found.centres.set(item, moved(centre));
  for (const [inner, [x, y, w, h]] of part.frames) found.frames.set(inner, [...moved([x, y]), w, h]);
  for (const [key, { points, turned }] of part.routes) found.routes.set(key, { points: points.map(moved), turned });
}
