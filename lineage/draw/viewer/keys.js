// The keyboard: one thing of the picture has the focus, arrows move it.

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** The drawn item that is nearest in a direction; -1 where there is none. */
function nextIn(picture, item, [dx, dy]) {
  const [x, y] = picture.centres.get(item);
  let found = -1, least = Infinity;
  for (const [other, [ox, oy]] of picture.centres) {
    const along = (ox - x) * dx + (oy - y) * dy, across = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    const far = along + 3 * across;
    if (other !== item && along > 1 && far < least) { least = far; found = other; }
  }
  return found;
}

/** The next item (1) or the one before (-1), in the order in which they are numbered; after the last comes the first. */
function besides({ seen: { items } }, item, step) {
  return items[(items.indexOf(item) + step + items.length) % items.length];
}

/** The edges of an item, in a fixed order. */
function edgesOf(picture, item) {
  return [...picture.seen.edges, ...picture.seen.quietEdges].filter((edge) => edge.source === item || edge.target === item);
}

/** Handle a key on the picture; returns whether it meant something. */
function pressed(event, it) {
  const { act, picture } = it, item = it.focused;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (WAYS[event.key] && item >= 0 && picture.centres.has(item)) {
    const next = nextIn(picture, item, WAYS[event.key]);
    if (next >= 0) act.focusOn(next);
    return true;
  }
  const node = item >= 0 && item < it.model.nodes.length ? it.model.nodes[item] : null;
  const around = (direction, depth) => () => node && act.set({ around: node.key, direction, depth, camera: null });
  const meaning = {
    Enter: () => item >= 0 && act.press(item), " ": () => item >= 0 && act.press(item), r: () => item >= 0 && act.nextEdge(item), c: () => act.pick(), t: () => act.set({ table: !it.state.table }),
    "]": () => act.focusOn(besides(picture, item, 1)), "[": () => act.focusOn(besides(picture, item, -1)), s: around("past", null), q: around("future", null), n: around("both", 2), "+": () => act.zoom(1.25), "=": () => act.zoom(1.25), "-": () => act.zoom(0.8), 0: () => act.fit(), Escape: () => act.letGo(),
  }[event.key];
  if (!meaning) return false;
  meaning();
  return true;
}

/** The wheel, dragging, and two fingers: how the camera is moved. */
function movable(svg, it) {
  let from = null;
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey || !event.shiftKey && Math.abs(event.deltaY) >= Math.abs(event.deltaX)) it.act.zoom(Math.exp(-event.deltaY / 500), event.offsetX, event.offsetY);
    else it.act.move(event.deltaX || event.deltaY, 0);
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => { from = event.button === 0 ? { x: event.clientX, y: event.clientY, moved: false } : null; });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !(event.buttons & 1)) return;
    const dx = event.clientX - from.x, dy = event.clientY - from.y;
    if (!from.moved && Math.abs(dx) + Math.abs(dy) < 5) return;
    if (!from.moved) svg.setPointerCapture(event.pointerId);
    from = { x: event.clientX, y: event.clientY, moved: true };
    it.act.move(-dx, -dy);
  });
  svg.addEventListener("pointerup", () => { it.dragged = Boolean(from && from.moved); from = null; });
  svg.addEventListener("click", (event) => { if (event.target === svg && !it.dragged) it.act.letGo(true); });
}
