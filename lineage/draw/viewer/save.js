// Files that the reader takes along: the picture as SVG, tables as CSV.

/** Let the browser save a text. */
function saveText(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A name for a file, of letters that every disk holds. */
function fileName(title, suffix) {
  return `${title.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "lineage"}.${suffix}`;
}

/** A row of CSV (RFC 4180); what a spreadsheet would take for a formula is made text. */
function csvRow(cells) {
  return cells.map((cell) => {
    const text = /^[=+\-@\t\r]/.test(String(cell)) && !/^[+-]?\d+(\.\d+)?$/.test(String(cell)) ? `'${cell}` : String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",");
}

/** What is drawn, as CSV: the things, then the relations. */
function csvOfView(model, picture) {
  const rows = [["what", "id", "kind or relation", "type or target", "label", "session", "time"]];
  const id = (item) => (item < model.nodes.length ? model.nodes[item].id : model.groups[item - model.nodes.length].key);
  for (const item of picture.seen.items) {
    const node = item < model.nodes.length ? model.nodes[item] : null, group = node ? null : model.groups[item - model.nodes.length];
    rows.push(["thing", id(item), node ? node.kind : "closed", node ? node.type : group.kind, (node || group).label, node ? sessionOf(model, item) : "", (node || group).time]);
  }
  for (const edge of [...picture.seen.edges, ...picture.seen.quietEdges]) rows.push(["relation", id(edge.source), [...edge.terms.keys()].sort().join(" "), id(edge.target), "", "", ""]);
  return `${rows.map(csvRow).join("\r\n")}\r\n`;
}

/** Sources or consequences as CSV. */
function csvOfRows(model, rows) {
  const cells = rows.map(({ node, distance, term }) => [distance, model.nodes[node].id, model.nodes[node].label, model.nodes[node].kind, model.nodes[node].type, term, sessionOf(model, node), model.nodes[node].time]);
  return `${[["steps", "id", "label", "kind", "type", "relation", "session", "time"], ...cells].map(csvRow).join("\r\n")}\r\n`;
}

/** The picture alone, in the light theme, as a file. */
function svgOfPicture(model, picture, marks) {
  const palette = model.themes.light, margin = 24, world = svgEl("g"), nobody = { step() {}, edge() {}, item() {}, enter() {}, focus() {} };
  paint(world, model, picture, palette, marks, nobody);
  for (const element of world.querySelectorAll("[tabindex],[role],[aria-label],[aria-pressed]")) for (const name of ["tabindex", "role", "aria-label", "aria-pressed"]) element.removeAttribute(name);
  for (const element of world.querySelectorAll(".shutter")) element.remove();
  for (const element of world.querySelectorAll("[data-key]")) { element.setAttribute("data-prov", idOf(model, element.getAttribute("data-key"))); for (const name of ["data-item", "data-id", "data-kind"]) element.removeAttribute(name); }
  const width = picture.width + 2 * margin, height = picture.height + 2 * margin;
  const svg = svgEl("svg", { viewBox: `${picture.left - margin} ${picture.top - margin} ${width} ${height}`, width, height, "font-family": "system-ui, Helvetica, Arial, 'DejaVu Sans', sans-serif" },
    svgEl("title", {}, plain(model.title)), svgEl("desc", {}, `${toldOfView(picture, model)} Arrows point to the past.`), arrows(palette),
    svgEl("rect", { x: picture.left - margin, y: picture.top - margin, width, height, fill: palette.ground }), world);
  return new XMLSerializer().serializeToString(svg);
}

function idOf(model, key) {
  const item = itemOf(model, key);
  return item >= 0 && item < model.nodes.length ? model.nodes[item].id : key;
}
