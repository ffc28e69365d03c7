// Where each box stands: in layers, the past on the left. The same algorithm as layout.py, with the same numbers: change both.

const GAP_X = 64, GAP_Y = 18, BEND = 10, CAREFUL = 300, SWEEPS = 12, WIDE = 1.7;

/** Place boxes of these sizes; every edge (newer, older) points left, unless it closes a circle. With `wrap` a long strip becomes rows. */
function layout(sizes, edges, gapX = GAP_X, wrap = false) {
  const seen = new Set(), told = [];
  for (const [source, target] of edges) {
    const key = source * sizes.length + target;
    if (source !== target && !seen.has(key)) { seen.add(key); told.push([source, target]); }
  }
  told.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return packed(components(sizes.length, told).map(([members, inner]) => component(members, sizes, inner, gapX, wrap)), sizes.length);
}

function components(count, edges) {
  const root = Array.from({ length: count }, (_, box) => box);
  const find = (box) => {
    while (root[box] !== box) { root[box] = root[root[box]]; box = root[box]; }
    return box;
  };
  for (const [source, target] of edges) {
    const one = find(source), other = find(target);
    root[Math.max(one, other)] = Math.min(one, other);
  }
  const parts = new Map();
  for (let box = 0; box < count; box++) {
    const at = find(box);
    if (!parts.has(at)) parts.set(at, [[], []]);
    parts.get(at)[0].push(box);
  }
  for (const edge of edges) parts.get(find(edge[0]))[1].push(edge);
  return [...parts.values()];
}

function component(members, sizes, edges, gapX, wrap) {
  const number = new Map(members.map((box, n) => [box, n]));
  const forward = acyclic(members.length, edges.map(([a, b]) => [number.get(a), number.get(b)]));
  const layer = layers(members.length, forward), heights = members.map((box) => sizes[box][1]);
  const chains = chained(layer, heights, forward);
  const columns = ordered(layer, chains, members.length, members.length <= CAREFUL);
  const ys = heightsOf(columns, heights, chains, members.length);
  const bands = wrapped(columns, members.map((box) => sizes[box][0]), heights, ys, gapX, wrap);
  return part(members, layer, ys, chains, bands);
}

function part(members, layer, ys, chains, bands) {
  const at = (box) => [rounded(bands.xs[layer[box]]), rounded(ys[box] + bands.down[layer[box]])];
  const centres = members.map((_, n) => at(n)), routes = [];
  for (const chain of chains) {
    const a = chain[0], b = chain[chain.length - 1];
    const turned = bands.band[layer[a]] !== bands.band[layer[b]];
    const points = turned ? turn(bands, layer[a], layer[b], centres[a][0], centres[b][0]) : chain.slice(1, -1).map(at);
    routes.push({ edge: [members[a], members[b]], points, turned });
  }
  return { members, centres, routes, width: bands.width + bands.outside, height: bands.height };
}

function acyclic(count, edges) {
  const targets = Array.from({ length: count }, () => []);
  for (const [source, target] of edges) targets[source].push(target);
  const state = new Array(count).fill(0), at = new Array(count).fill(0), kept = [];
  for (let root = count - 1; root >= 0; root--) { // the highest number is mostly the newest
    const stack = state[root] === 0 ? [root] : [];
    while (stack.length) {
      const box = stack[stack.length - 1];
      state[box] = 1;
      if (at[box] === targets[box].length) { state[box] = 2; stack.pop(); continue; }
      const following = targets[box][at[box]++];
      if (state[following] !== 1) {
        kept.push([box, following]);
        if (state[following] === 0) stack.push(following);
      }
    }
  }
  return kept.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

function layers(count, edges) {
  const older = Array.from({ length: count }, () => []), newer = Array.from({ length: count }, () => []);
  for (const [source, target] of edges) { older[source].push(target); newer[target].push(source); }
  const layer = new Array(count).fill(0), waiting = older.map((those) => those.length);
  const order = older.map((_, box) => box).filter((box) => !older[box].length);
  for (let n = 0; n < order.length; n++) {
    const box = order[n];
    for (const source of newer[box]) {
      layer[source] = Math.max(layer[source], layer[box] + 1);
      if (--waiting[source] === 0) order.push(source);
    }
  }
  for (let n = order.length - 1; n >= 0; n--) {
    const box = order[n];
    if (newer[box].length > older[box].length) layer[box] = newer[box].reduce((least, source) => Math.min(least, layer[source]), Infinity) - 1;
  }
  return layer;
}

function chained(layer, heights, edges) {
  const careful = layer.length <= CAREFUL;
  return edges.map(([source, target]) => {
    const chain = [source];
    for (let level = layer[source] - 1; careful && level > layer[target]; level--) {
      chain.push(layer.length);
      layer.push(level);
      heights.push(BEND);
    }
    chain.push(target);
    return chain;
  });
}

function heightsOf(columns, heights, chains, boxes) {
  const near = heights.map(() => []);
  for (const chain of chains) {
    for (let n = 1; n < chain.length; n++) {
      const one = chain[n - 1], other = chain[n];
      const weight = 1 + (one >= boxes ? 3 : 0) + (other >= boxes ? 3 : 0);
      near[one].push([other, weight]);
      near[other].push([one, weight]);
    }
  }
  const weights = near.map((those) => those.reduce((total, [, weight]) => total + weight, 0) || 1);
  const ys = new Array(heights.length).fill(0);
  for (const column of columns) place(column, heights, column.map(() => 0), weights, ys, boxes);
  for (let n = 0; n < SWEEPS; n++) {
    for (let at = 0; at < columns.length; at++) {
      const column = columns[n % 2 ? at : columns.length - 1 - at];
      const wish = column.map((box) => {
        let total = 0;
        for (const [other, weight] of near[box]) total += ys[other] * weight;
        return near[box].length ? total / weights[box] : ys[box];
      });
      place(column, heights, wish, weights, ys, boxes);
    }
  }
  let top = Infinity;
  ys.forEach((y, n) => { top = Math.min(top, y - heights[n] / 2); });
  return ys.map((y) => rounded(y - top));
}

function place(column, heights, wish, weights, ys, boxes) {
  const blocks = [], offsets = new Array(column.length).fill(0);
  column.forEach((box, n) => {
    if (n) {
      const before = column[n - 1], gap = box < boxes && before < boxes ? GAP_Y : GAP_Y / 2;
      offsets[n] = offsets[n - 1] + (heights[before] + heights[box]) / 2 + gap;
    }
    blocks.push([(wish[n] - offsets[n]) * weights[box], weights[box], n]);
    while (blocks.length > 1) {
      const last = blocks[blocks.length - 1], upper = blocks[blocks.length - 2];
      if (upper[0] / upper[1] < last[0] / last[1]) break;
      upper[0] += last[0];
      upper[1] += last[1];
      blocks.pop();
    }
  });
  blocks.forEach(([total, weight, first], at) => {
    const last = at + 1 < blocks.length ? blocks[at + 1][2] : column.length;
    for (let n = first; n < last; n++) ys[column[n]] = total / weight + offsets[n];
  });
}

function packed(parts, count) {
  const area = parts.reduce((total, one) => total + (one.width + GAP_X) * (one.height + 2 * GAP_Y), 0);
  const limit = parts.reduce((most, one) => Math.max(most, one.width), Math.sqrt(area * WIDE));
  const centres = Array.from({ length: count }, () => [0, 0]), routes = new Map();
  const inOrder = [...parts.filter((one) => one.members.length === 1), ...parts.filter((one) => one.members.length > 1)];
  let x = 0, y = 0, row = 0, width = 0;
  for (const one of inOrder) {
    if (x && x + one.width > limit) { y = y + row + 2 * GAP_Y; x = 0; row = 0; }
    const moved = ([cx, cy]) => [rounded(cx + x), rounded(cy + y)];
    one.members.forEach((box, n) => { centres[box] = moved(one.centres[n]); });
    for (const { edge, points, turned } of one.routes) routes.set(`${edge[0]} ${edge[1]}`, { points: points.map(moved), turned });
    width = Math.max(width, x + one.width);
    row = Math.max(row, one.height);
    x += one.width + GAP_X / 2;
  }
  return { centres, routes, width: rounded(width), height: rounded(y + row) };
}
