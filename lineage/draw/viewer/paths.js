// The line of a relation, as paths.py draws it.

const ROUND = 10, APART = 8, NAMED = 49;

/** { path, begin, beside }: the line, and the two points that its name stands between. */
function wayOf(source, size, target, other, route) {
  if (route && route.turned) return turnedWay(source, size, target, other, route.points);
  const points = route ? route.points : [], sideways = Math.abs(source[0] - target[0]) >= (size.width + other.width) / 2 + APART;
  const side = sideways ? (target[0] < source[0] ? -1 : 1) : target[1] < source[1] ? -1 : 1;
  const begin = sideways ? [source[0] + (side * size.width) / 2, source[1]] : [source[0], source[1] + (side * size.height) / 2];
  const end = sideways ? [target[0] - (side * other.width) / 2, target[1]] : [target[0], target[1] - (side * other.height) / 2];
  return { path: curved([begin, ...points, end], sideways || points.length > 0), begin, beside: points.length ? points[0] : end };
}

function curved(points, sideways) {
  let path = `M${at(points[0])}`;
  for (let n = 1; n < points.length; n++) {
    const [x1, y1] = points[n - 1], [x2, y2] = points[n];
    const middle = sideways ? (x1 + x2) / 2 : (y1 + y2) / 2;
    path += sideways ? `C${at([middle, y1])} ${at([middle, y2])} ${at([x2, y2])}` : `C${at([x1, middle])} ${at([x2, middle])} ${at([x2, y2])}`;
  }
  return path;
}

function turnedWay(source, size, target, other, corners) {
  const first = [source[0], corners[0][1]], last = [target[0], corners[corners.length - 1][1]];
  const begin = [source[0], source[1] + (first[1] > source[1] ? size.height : -size.height) / 2];
  const end = [target[0], target[1] + (last[1] > target[1] ? other.height : -other.height) / 2];
  const points = [begin, first, ...corners.slice(1, -1), last, end];
  let path = `M${at(begin)}`;
  for (let n = 1; n + 1 < points.length; n++) path += `L${at(towards(points[n], points[n - 1]))}Q${at(points[n])} ${at(towards(points[n], points[n + 1]))}`;
  return { path: `${path}L${at(end)}`, begin: first, beside: corners.length > 2 ? corners[1] : last };
}

function towards(corner, other) {
  const dx = other[0] - corner[0], dy = other[1] - corner[1], far = Math.abs(dx) + Math.abs(dy);
  const step = far ? Math.min(ROUND, far / 2) / far : 0;
  return [corner[0] + dx * step, corner[1] + dy * step];
}

function namedAt(begin, beside) {
  const dx = beside[0] - begin[0], dy = beside[1] - begin[1], part = dx ? Math.min(0.5, NAMED / Math.abs(dx)) : 0.5;
  return [begin[0] + dx * part, begin[1] + dy * part * part * (3 - 2 * part)];
}

function at([x, y]) {
  return `${short(x)} ${short(y)}`;
}

function short(value) {
  return String(Math.round(value * 10) / 10);
}
