// What can be done; each changes the state and draws it.

/** All that can be done, by name. */
function actions(it) {
  const act = {};
  return Object.assign(act, changes(it, act), selections(it, act), cameras(it, act), saves(it));
}

/** Changes of what is drawn. */
function changes(it, act) {
  const { model } = it;
  return {
    set(change) {
      const held = document.activeElement, isInPicture = held && it.parts.picture.contains(held), id = held && held.id;
      const isLight = Object.keys(change).every((name) => LIGHT.has(name)) && !it.state.table;
      Object.assign(it.state, change);
      if (isLight) redrawSelection(it);
      else redraw(it);
      remember(it, !isLight && Object.keys(change).some((name) => !["theme", "camera"].includes(name)));
      if (isInPicture) (boxElement(it, it.focused) || it.parts.picture).focus({ preventScroll: true });
      else if (id && document.getElementById(id)) document.getElementById(id).focus({ preventScroll: true });
    },
    step(step) {
      act.set({ steps: withStep(it.state.steps, step), camera: it.camera });
      const n = numbered(model, [step])[0][1], rect = step[0] === "+" ? it.picture.frames.get(n) : it.picture.memberFrames.get(n);
      if (rect) act.look(seeing(it.camera, rect, viewport(it))); // no further than is needed to see what was opened
    },
    toggleGroup(n) { act.step(`${it.picture.frames.has(n) ? "-" : "+"}${model.groups[n].key}`); },
    turnTheme() { act.set({ theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark", camera: it.camera }); },
    /** Open whatever a thing is inside of, and look at it. */
    open(item) {
      const node = item < model.nodes.length ? model.nodes[item] : null, role = node ? node.role : "";
      const shown = role === "agent" ? { agents: true } : role === "configuration" ? { configurations: true } : {};
      act.set({ ...shown, around: "", steps: [...it.state.steps, ...stepsTo(it, item)], camera: it.camera });
      act.reveal(item);
    },
  };
}

/** The steps that open what a thing is inside of. */
function stepsTo({ model, picture }, item) {
  const node = item < model.nodes.length ? model.nodes[item] : null, steps = [];
  let group = node ? node.group : model.groups[item - model.nodes.length].parent;
  for (; group >= 0; group = model.groups[group].parent) if (!picture.frames.has(group) && model.groups.length > 1) steps.unshift(`+${model.groups[group].key}`);
  for (let one = node; one && one.parent >= 0; one = model.nodes[one.parent]) if (!picture.unfolded.has(one.parent)) steps.push(`*${model.nodes[one.parent].key}`);
  return steps;
}

/** Selections: of one thing, of a second, of a relation. */
function selections(it, act) {
  const { model } = it;
  return {
    select(wanted, isSecond) {
      const item = groupFor(it, wanted);
      const key = keyOf(model, item), second = isSecond || it.picking;
      it.picking = false;
      it.focused = item;
      if (second && it.state.select && it.state.select !== key) act.set({ other: key, tab: "compare", camera: it.camera });
      else act.set({ select: key, other: "", tab: ["compare", "findings"].includes(it.state.tab) ? "details" : it.state.tab, camera: it.camera });
    },
    item(item, event) { if (!it.dragged) act.select(item, event.shiftKey); },
    enter(item) { act.press(item, true); },
    /** Select a thing; if it is selected, open it, close it, or show its members. */
    press(item, isAgain = false) {
      const key = keyOf(model, item);
      if (!isAgain && (it.state.select !== key || it.picking)) act.select(item);
      else if (it.state.around) return;
      else if (item >= model.nodes.length) act.step(`+${key}`);
      else if (model.nodes[item].members.length) act.step(`${it.picture.unfolded.has(item) ? "/" : "*"}${key}`);
    },
    edge(edge) { act.set({ select: keyOf(model, edge.source), other: keyOf(model, edge.target), tab: "compare", camera: it.camera }); },
    nextEdge(item) {
      const edges = edgesOf(it.picture, item), now = edges.findIndex((edge) => keyOf(model, edge.source) === it.state.select && keyOf(model, edge.target) === it.state.other);
      if (edges.length) act.edge(edges[(now + 1) % edges.length]);
    },
    pick() {
      it.picking = Boolean(it.state.select);
      it.parts.status.textContent = it.picking ? "Now choose the second thing." : "Select a first thing.";
    },
    letGo(isClick = false) {
      it.picking = false;
      if (it.state.select || it.state.other) act.set({ select: "", other: "", camera: it.camera });
      else if (it.state.around && !isClick) act.set({ around: "", camera: null });
    },
    /** Select a thing wherever it is, and show where it is. */
    go(item) {
      act.select(item);
      act.reveal(groupFor(it, item));
    },
    focus(item) { it.focused = item; },
    focusOn(item) {
      const [x, y] = it.picture.centres.get(item), { width, height } = boxAt(model, item);
      it.focused = item;
      rove(it);
      boxElement(it, item).focus({ preventScroll: true });
      act.look(seeing(it.camera, [x - width / 2, y - height / 2, width, height], viewport(it)));
    },
  };
}

/** The session itself, where the activity that it is means it and is not drawn. */
function groupFor({ model, picture }, item) {
  if (item >= model.nodes.length || model.nodes[item].role !== "frame" || picture.centres.has(item)) return item;
  const group = model.groups.findIndex((one) => one.node === item);
  return group < 0 ? item : model.nodes.length + group;
}

/** Where the reader looks. */
function cameras(it, act) {
  return {
    reveal(item) {
      if (it.state.around && !it.picture.centres.has(item)) act.set({ around: "" });
      const drawn = drawnItem(it.model, it.picture, item), at = it.picture.centres.get(drawn) || middleOf(it.picture.frames.get(item - it.model.nodes.length));
      if (at) act.look({ scale: Math.max(it.camera.scale, READABLE), x: at[0], y: at[1] });
    },
    look(camera) {
      it.camera = clamped(camera, it.picture, viewport(it));
      it.state.camera = it.camera;
      applyCamera(it);
      rememberSoon(it);
    },
    move(dx, dy) { act.look({ ...it.camera, x: it.camera.x + dx / it.camera.scale, y: it.camera.y + dy / it.camera.scale }); },
    zoom(factor, px, py) {
      const view = viewport(it), scale = Math.min(MOST, Math.max(LEAST, it.camera.scale * factor)), { x, y } = it.camera;
      const fx = px === undefined ? 0 : px - view.width / 2, fy = py === undefined ? 0 : py - view.height / 2;
      act.look({ scale, x: x + fx / it.camera.scale - fx / scale, y: y + fy / it.camera.scale - fy / scale });
    },
    fit() { act.look(wholeCamera(it.picture, viewport(it))); },
  };
}

/** What the reader takes along. */
function saves(it) {
  const { model } = it;
  return {
    saveSvg() { saveText(fileName(model.title, "svg"), "image/svg+xml", svgOfPicture(model, it.picture, it.marks)); },
    saveCsv() { saveText(fileName(model.title, "csv"), "text/csv", csvOfView(model, it.picture)); },
    saveTable(rows, word) { saveText(fileName(`${word} ${it.state.select}`, "csv"), "text/csv", csvOfRows(model, rows)); },
  };
}

function middleOf(rect) {
  return rect ? [rect[0] + rect[2] / 2, rect[1] + rect[3] / 2] : null;
}

/** The camera, moved no more than is needed for a rectangle to be seen. */
function seeing({ scale, x, y }, [left, top, width, height], view) {
  const fit = (value, low, size, room) => {
    const half = room / 2 / scale - 16 / scale;
    return size > 2 * half ? low + half : Math.min(Math.max(value, low + size - half), low + half);
  };
  return { scale, x: fit(x, left, width, view.width), y: fit(y, top, height, view.height) };
}
