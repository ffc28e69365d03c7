// Layers beside each other; a strip of many layers is cut into rows. The same algorithm as bands.py: change both.

const STRIP = 2000, FLAT = 3, ASPECT = 1.7, GUTTER = 34, LANE = 7, LANES = 4;

function rounded(value) {
  return Math.floor(value * 10 + 0.5) / 10;
}

/** Place the layers; in rows, with `wrap` and where they would be a strip. */
function wrapped(columns, widths, heights, ys, gap, wrap) {
  const wide = columns.map((column) => column.reduce((most, box) => (box < widths.length ? Math.max(most, widths[box]) : most), 0));
  const total = sum(wide) + gap * (wide.length - 1);
  let height = -Infinity;
  ys.forEach((y, box) => { height = Math.max(height, y + heights[box] / 2); });
  const isStrip = wrap && total > STRIP && total > FLAT * height;
  const band = isStrip ? cut(wide, gap, Math.sqrt(total * height * ASPECT)) : columns.map(() => 0);
  return stacked(columns, widths, heights, ys, gap, band, wide);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function cut(wide, gap, ideal) {
  const total = sum(wide) + gap * (wide.length - 1);
  const rows = Math.max(1, Math.floor(total / ideal + 0.5));
  for (let limit = total / rows; ; limit *= 1.02) {
    const found = greedy(wide, gap, limit);
    if (found[found.length - 1] < rows) return found;
  }
}

function greedy(wide, gap, limit) {
  let row = 0, x = 0;
  return wide.map((width) => {
    if (x > 0 && x + width > limit) { row++; x = 0; }
    x += width + gap;
    return row;
  });
}

function stacked(columns, widths, heights, ys, gap, band, wide) {
  const found = { xs: [], down: [], band, bottoms: [], width: 0, height: 0, used: 0, outside: 0 };
  const rows = band[band.length - 1] + 1;
  let y = 0;
  for (let row = 0; row < rows; row++) {
    let top = Infinity, bottom = -Infinity, x = 0;
    const inside = band.map((_, level) => level).filter((level) => band[level] === row);
    for (const level of inside) {
      for (const box of columns[level]) {
        if (box >= widths.length && rows > 1) continue;
        top = Math.min(top, ys[box] - heights[box] / 2);
        bottom = Math.max(bottom, ys[box] + heights[box] / 2);
      }
    }
    for (const level of inside) {
      found.xs.push(x + wide[level] / 2);
      found.down.push(y - top);
      x += wide[level] + gap;
    }
    found.width = Math.max(found.width, x - gap);
    y += bottom - top;
    found.bottoms.push(y);
    y += GUTTER;
  }
  found.height = y - GUTTER;
  return found;
}

/** The corners of a line from a layer of one row to a layer of another. */
function turn(bands, source, target, sourceX, targetX) {
  const one = bands.band[source], other = bands.band[target], up = one > other;
  const lane = LANE * (bands.used % LANES) - (LANE * (LANES - 1)) / 2;
  bands.used++;
  const first = rounded(bands.bottoms[up ? one - 1 : one] + GUTTER / 2 + lane);
  const last = rounded(bands.bottoms[up ? other : other - 1] + GUTTER / 2 + lane);
  if (first === last) return [[sourceX, first], [targetX, last]];
  const outside = rounded(bands.width + GUTTER / 2 + lane);
  bands.outside = GUTTER;
  return [[sourceX, first], [outside, first], [outside, last], [targetX, last]];
}
