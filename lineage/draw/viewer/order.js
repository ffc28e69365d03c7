// In which order the boxes of a layer stand, so that few edges cross. The same algorithm as order.py: change both.

const ROUNDS = 10, PATIENCE = 3, QUICK = 4;

/** The boxes and bends of each layer from top to bottom. With `careful` the best order of three beginnings. */
function ordered(layer, chains, boxes, careful) {
  const left = layer.map(() => []), right = layer.map(() => []);
  for (const chain of chains) {
    for (let n = 1; n < chain.length; n++) {
      left[chain[n - 1]].push(chain[n]);
      right[chain[n]].push(chain[n - 1]);
    }
  }
  const first = byNumber(layer);
  if (!careful) return quick(first, left, right);
  const beginnings = [first, byWalk(layer, left, right, -1), byWalk(layer, left, right, 1)];
  return beginnings.map((columns) => best(columns, left, right)).reduce((one, other) => (other.crossings < one.crossings ? other : one)).columns;
}

function emptyColumns(layer) {
  let last = -1;
  for (const level of layer) last = Math.max(last, level);
  return Array.from({ length: last + 1 }, () => []);
}

function byNumber(layer) {
  const columns = emptyColumns(layer);
  layer.forEach((level, box) => columns[level].push(box));
  return columns;
}

function byWalk(layer, left, right, sign) {
  const columns = emptyColumns(layer), seen = layer.map(() => false);
  const roots = layer.map((_, box) => box).sort((a, b) => (layer[a] - layer[b]) * sign || a - b);
  for (const root of roots) {
    const stack = [root];
    while (stack.length) {
      const box = stack.pop();
      if (seen[box]) continue;
      seen[box] = true;
      columns[layer[box]].push(box);
      for (let n = right[box].length - 1; n >= 0; n--) stack.push(right[box][n]);
      for (let n = left[box].length - 1; n >= 0; n--) stack.push(left[box][n]);
    }
  }
  return columns;
}

function placesOf(columns) {
  const places = [];
  for (const column of columns) column.forEach((box, n) => { places[box] = n; });
  return places;
}

function sweep(columns, near, places, backward) {
  const keys = [];
  for (let at = 0; at < columns.length; at++) {
    const column = columns[backward ? columns.length - 1 - at : at];
    for (const box of column) {
      let sum = 0;
      for (const other of near[box]) sum += places[other];
      keys[box] = near[box].length ? sum / near[box].length : places[box];
    }
    column.sort((a, b) => keys[a] - keys[b]); // stable, as Python's
    column.forEach((box, n) => { places[box] = n; });
  }
}

function quick(columns, left, right) {
  const places = placesOf(columns);
  for (let n = 0; n < QUICK; n++) {
    sweep(columns, left, places, false);
    sweep(columns, right, places, true);
  }
  return columns;
}

function best(columns, left, right) {
  const places = placesOf(columns), copy = () => columns.map((column) => column.slice());
  let least = crossings(columns, right, places), kept = copy(), idle = 0;
  for (let n = 0; n < ROUNDS; n++) {
    sweep(columns, left, places, false);
    sweep(columns, right, places, true);
    exchange(columns, left, right, places);
    const now = crossings(columns, right, places);
    if (now < least) { least = now; kept = copy(); idle = 0; } else idle++;
    if (least === 0 || idle === PATIENCE) break;
  }
  return { crossings: least, columns: kept };
}

function exchange(columns, left, right, places) {
  for (let changed = true, rounds = 0; changed && rounds < ROUNDS; rounds++) {
    changed = false;
    for (const column of columns) {
      for (let n = 0; n + 1 < column.length; n++) {
        const upper = column[n], lower = column[n + 1];
        if (gain(left[upper], left[lower], places) + gain(right[upper], right[lower], places) > 0) {
          column[n] = lower;
          column[n + 1] = upper;
          places[upper] = n + 1;
          places[lower] = n;
          changed = true;
        }
      }
    }
  }
}

function gain(upper, lower, places) {
  let found = 0;
  for (const one of upper) {
    const at = places[one];
    for (const other of lower) {
      if (at > places[other]) found++;
      else if (at < places[other]) found--;
    }
  }
  return found;
}

/** How often edges between neighbouring layers cross. */
function crossings(columns, right, places) {
  let total = 0;
  for (let at = 0; at + 1 < columns.length; at++) {
    const width = columns[at + 1].length, tree = new Array(width + 1).fill(0);
    let seen = 0;
    for (const box of columns[at]) {
      for (const end of right[box].map((other) => places[other]).sort((a, b) => a - b)) {
        for (let spot = end + 1, sum = 0; ; spot -= spot & -spot) {
          if (spot <= 0) { total += seen - sum; break; }
          sum += tree[spot];
        }
        seen++;
        for (let spot = end + 1; spot <= width; spot += spot & -spot) tree[spot]++;
      }
    }
  }
  return total;
}
