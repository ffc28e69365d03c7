// The camera over the picture, and the small map of the whole.

const LEAST = 0.08, MOST = 3, READABLE = 0.8, MAP = [180, 116];

/** A camera that shows all if that is readable; else at a readable scale what is newest, or what is selected. */
function firstCamera(picture, view, item) {
  const all = Math.min((view.width - 40) / picture.width, (view.height - 40) / picture.height);
  const scale = Math.min(1.25, Math.max(all, Math.min(READABLE, (view.width - 40) / 300)));
  if (all >= READABLE) return { scale, x: picture.left + picture.width / 2, y: picture.top + picture.height / 2 };
  const centre = picture.centres.get(item);
  return clamped({ scale, x: centre ? centre[0] : picture.left + picture.width, y: centre ? centre[1] : picture.top + picture.height }, picture, view);
}

function wholeCamera(picture, view) {
  const scale = Math.min(1.25, Math.max(LEAST, Math.min((view.width - 40) / picture.width, (view.height - 40) / picture.height)));
  return { scale, x: picture.left + picture.width / 2, y: picture.top + picture.height / 2 };
}

/** A camera that does not look past the picture. */
function clamped({ scale, x, y }, picture, view) {
  const inside = (value, low, size, room) => {
    const half = room / 2 / scale, margin = 24 / scale;
    return size + 2 * margin <= 2 * half ? low + size / 2 : Math.min(Math.max(value, low - margin + half), low + size + margin - half);
  };
  return { scale, x: inside(x, picture.left, picture.width, view.width), y: inside(y, picture.top, picture.height, view.height) };
}

function transformOf({ scale, x, y }, view) {
  return `translate(${view.width / 2 - x * scale} ${view.height / 2 - y * scale}) scale(${scale})`;
}

/** Draw the small map; `jump` is called with the point of the picture that is clicked. */
function paintMap(map, model, picture, palette, marks, jump) {
  const scale = Math.min(MAP[0] / picture.width, MAP[1] / picture.height), boxes = [...picture.centres].map(([item, [x, y]]) => {
    const { width, height } = boxAt(model, item), kind = item < model.nodes.length ? model.nodes[item].kind : "group";
    return svgEl("rect", { "data-item": item, "data-fill": palette.line[kind], x: x - width / 2, y: y - height / 2, width, height, fill: palette.line[kind] });
  });
  const frames = [...picture.frames.values()].map(([x, y, width, height]) => svgEl("rect", { x, y, width, height, fill: palette.frame.fill, stroke: palette.frame.line, "stroke-width": 1 / scale }));
  const eye = svgEl("rect", { class: "eye", fill: "#4C8BF5", "fill-opacity": 0.15, stroke: "#4C8BF5", "stroke-width": 2 / scale });
  map.setAttribute("viewBox", `${picture.left} ${picture.top} ${picture.width} ${picture.height}`);
  map.replaceChildren(...frames, ...boxes, eye);
  remarkMap(map, marks);
  map.onclick = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    jump(point.x, point.y);
  };
  return eye;
}

function remarkMap(map, marks) {
  for (const box of map.querySelectorAll("[data-item]")) box.setAttribute("fill", marks.items.has(Number(box.dataset.item)) ? "#D93025" : box.dataset.fill);
}

function moveEye(eye, { scale, x, y }, view) {
  eye.setAttribute("x", x - view.width / 2 / scale);
  eye.setAttribute("y", y - view.height / 2 / scale);
  eye.setAttribute("width", view.width / scale);
  eye.setAttribute("height", view.height / scale);
}
