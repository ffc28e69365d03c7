// Where everything stands after things were opened and closed: what was there keeps its place, what is new gets free room near its own.
// `steps` is a log: "+group", "-group" (closed), "*node" (members shown), "/node" (members hidden), each with a number.

const MEMBERS = 50, ROOM = 14, REMEMBERED = 60;

/** A function that gives the picture of a wish and a log of steps; it remembers the beginnings of logs. */
function spreader(model) {
  const remembered = new Map();
  const remember = (key, made) => {
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value);
    remembered.set(key, made);
    return made;
  };
  const picture = (wish, steps) => {
    const key = JSON.stringify([wish.key, steps]);
    if (remembered.has(key)) return remembered.get(key);
    if (!steps.length || wish.around) return remember(key, firstPicture(model, wish));
    return remember(key, stepped(model, wish, picture(wish, steps.slice(0, -1)), steps[steps.length - 1]));
  };
  return picture;
}

function firstPicture(model, wish) {
  const seen = viewOf(model, wish), placed = compose(model, seen);
  const all = wish.around ? [] : [...new Set(seen.places.filter((item) => item >= 0))];
  const kept = new Set(seen.items);
  return { seen, ...placed, memberFrames: new Map(), dropped: new Set(all.filter((item) => !kept.has(item))), open: new Set(), closed: new Set(), unfolded: new Set() };
}

function stepped(model, wish, before, [kind, n]) {
  const next = { ...before, centres: new Map(before.centres), frames: new Map(before.frames), routes: new Map(before.routes), memberFrames: new Map(before.memberFrames) };
  for (const name of ["open", "closed", "unfolded"]) next[name] = new Set(before[name]);
  if (kind === "+") { next.open.add(n); next.closed.delete(n); }
  if (kind === "-") { next.closed.add(n); next.open.delete(n); }
  if (kind === "*") next.unfolded.add(n);
  if (kind === "/") next.unfolded.delete(n);
  next.seen = viewOf(model, { ...wish, limit: Infinity, open: next.open, closed: next.closed, unfolded: next.unfolded, dropped: before.dropped });
  const drawn = new Set(next.seen.items), fresh = next.seen.items.filter((item) => !next.centres.has(item));
  const gone = [...next.centres.keys()].filter((item) => !drawn.has(item)), origin = gone.map((item) => next.centres.get(item));
  gone.forEach((item) => next.centres.delete(item));
  if (kind === "+") addFrame(model, next, n, fresh, origin[0]);
  if (kind === "-") shutFrame(model, next, n);
  if (kind === "*") addMembers(model, next, n, fresh);
  for (const node of [...next.memberFrames.keys()]) if (!next.unfolded.has(node) || !drawn.has(node)) next.memberFrames.delete(node);
  return resized(model, next);
}

function subset(seen, items) {
  const inside = new Set(items);
  return { ...seen, items, edges: seen.edges.filter((edge) => inside.has(edge.source) && inside.has(edge.target)) };
}

function addFrame(model, next, group, fresh, near) {
  if (!fresh.length) return;
  const part = compose(model, subset(next.seen, fresh), model.nodes.length + group), box = model.groups[group].box;
  const size = [Math.max(box.width + 60, part.width + 2 * PAD), part.height + HEAD + PAD];
  const at = freeSpot(rectsOf(model, next), size, near || [0, 0]);
  nest(next, group, part, [...at, ...size]);
}

function shutFrame(model, next, group) {
  const [x, y] = next.frames.get(group) || [0, 0], box = model.groups[group].box;
  for (const inner of [...next.frames.keys()]) if (isWithin(model, inner, group)) next.frames.delete(inner);
  next.centres.set(model.nodes.length + group, [rounded(x + box.width / 2), rounded(y + box.height / 2)]);
}

function isWithin(model, group, outer) {
  for (; group >= 0; group = model.groups[group].parent) if (group === outer) return true;
  return false;
}

function addMembers(model, next, node, fresh) {
  if (!fresh.length) return;
  const flat = layout(fresh.map((item) => [model.nodes[item].box.width, model.nodes[item].box.height]), []);
  const size = [Math.max(flat.width, 150) + 2 * PAD, flat.height + HEAD + PAD];
  const [x, y] = freeSpot(rectsOf(model, next), size, next.centres.get(node));
  fresh.forEach((item, n) => next.centres.set(item, [rounded(flat.centres[n][0] + x + PAD), rounded(flat.centres[n][1] + y + HEAD)]));
  next.memberFrames.set(node, [x, y, ...size]);
}

function rectsOf(model, placed) {
  const boxes = [...placed.centres].map(([item, [x, y]]) => {
    const box = boxAt(model, item);
    return [x - box.width / 2, y - box.height / 2, box.width, box.height];
  });
  return [...boxes, ...placed.frames.values(), ...placed.memberFrames.values()];
}

/** The corner of the free room of a size that is nearest to a point. */
function freeSpot(rects, [width, height], [nx, ny]) {
  const xs = [nx - width / 2, nx - 60, nx - width + 60], ys = [ny - 20, ny - height / 2];
  for (const [, y, , h] of rects) ys.push(y + h + ROOM, y - height - ROOM);
  let found = null, least = Infinity;
  for (const x of xs) {
    for (const y of ys) {
      const away = Math.abs(y + (y < ny ? height : 0) - ny) + Math.abs(x + width / 2 - nx) / 8;
      if (away < least && rects.every(([rx, ry, rw, rh]) => x >= rx + rw + ROOM || rx >= x + width + ROOM || y >= ry + rh + ROOM - 0.1 || ry >= y + height + ROOM - 0.1)) {
        least = away;
        found = [rounded(x), rounded(y)];
      }
    }
  }
  return found;
}

function resized(model, placed) {
  const drawnRects = rectsOf(model, placed), rects = drawnRects.length ? drawnRects : [[0, 0, 1, 1]]; // an empty picture has a place too
  placed.left = rects.reduce((least, [x]) => Math.min(least, x), Infinity);
  placed.top = rects.reduce((least, [, y]) => Math.min(least, y), Infinity);
  placed.width = rects.reduce((most, [x, , w]) => Math.max(most, x + w), 0) - placed.left;
  placed.height = rects.reduce((most, [, y, , h]) => Math.max(most, y + h), 0) - placed.top;
  const drawn = new Set(placed.seen.edges.map((edge) => `${edge.source} ${edge.target}`));
  for (const key of [...placed.routes.keys()]) if (!drawn.has(key)) placed.routes.delete(key);
  return placed;
}
