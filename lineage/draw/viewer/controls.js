// What stands around the picture: search, filters, the list of sessions, the legend.

const KIND_WORDS = { "": "all kinds", entity: "entities", activity: "activities", agent: "agents" };
const LISTED = 200;

/** Build the page once; returns its parts. */
function built(app, it) {
  const parts = {
    search: el("input", { type: "search", id: "search", placeholder: "Search  ( / )", "aria-label": "Search for a thing", autocomplete: "off", role: "combobox", "aria-expanded": "false", "aria-controls": "hits" }),
    hits: el("ul", { id: "hits", role: "listbox", "aria-label": "What was found", hidden: true }),
    trail: el("p", { id: "trail" }),
    side: el("aside", { id: "side", "aria-label": "What is shown" }),
    panel: el("aside", { id: "panel", "aria-label": "What is selected" }),
    picture: svgEl("svg", { id: "picture", role: "group", tabindex: -1, "aria-label": "The picture. Arrow keys move between things, Enter opens, r walks the relations of a thing." }),
    tables: el("div", { id: "tables", hidden: true }),
    map: svgEl("svg", { id: "map", "aria-hidden": "true" }),
    status: el("p", { id: "status", role: "status", "aria-live": "polite" }),
    help: helpBox(),
  };
  parts.world = svgEl("g", { id: "world" });
  const { act } = it, tool = (id, text, label, onclick) => el("button", { type: "button", id, title: label, "aria-label": label, onclick }, text);
  const bar = el(
    "header", {}, el("h1", {}, plain(it.model.title)), el("div", { class: "search" }, parts.search, parts.hits), parts.trail,
    el("div", { class: "tools" },
      tool("as-table", "Table", "Show a table in the place of the picture (t)", () => act.set({ table: !it.state.table })),
      tool("tidy", "Tidy", "Lay everything out anew as at first", () => act.set({ steps: [], around: "", camera: null })),
      tool("save-svg", "SVG", "Save the picture as SVG", () => act.saveSvg()), tool("save-csv", "CSV", "Save what is drawn as CSV", () => act.saveCsv()),
      tool("theme", "◐", "Dark or light", () => act.turnTheme()), tool("help-button", "?", "Keys", () => parts.help.showModal())),
  );
  const zoom = el("div", { class: "zoom" }, tool("zoom-in", "+", "Larger (+)", () => act.zoom(1.25)), tool("zoom-out", "−", "Smaller (-)", () => act.zoom(0.8)), tool("fit", "⤢", "All of it (0)", () => act.fit()));
  app.replaceChildren(bar, parts.side, el("main", {}, parts.picture, parts.tables, zoom, parts.map), parts.panel, el("footer", {}, parts.status), parts.help);
  return parts;
}

function helpBox() {
  const rows = [["/", "search"], ["arrows", "to the next thing in that direction"], ["[ ]", "the thing before, and the next one: they lead through all"], ["Enter or space", "select; once more: open, close, or show members"], ["r", "the next relation of the thing"], ["s, q, n", "draw its sources, consequences, neighbours"], ["c", "choose a second thing, to compare"], ["t", "table or picture"], ["+ - 0", "larger, smaller, all of it"], ["Escape", "let go, go back to the whole picture"], ["Shift and click", "a second thing"], ["double click", "open, close, or show members"]];
  return el("dialog", { id: "help", "aria-label": "Keys" }, el("h2", {}, "Keys"), facts(rows), el("form", { method: "dialog" }, el("button", {}, "Close")));
}

/** Fill the left side for a state. */
function fillSide(side, it) {
  const { model, state, act } = it, of = facets(model), hasFocus = Boolean(state.around);
  const check = (name, label) => el("label", { class: "check" }, el("input", { type: "checkbox", id: `show-${name}`, checked: state[name], onchange: (event) => act.set({ [name]: event.target.checked, camera: null }) }), label);
  const select = (name, label, options) => el("label", {}, label, el("select", { id: `filter-${name}`, onchange: (event) => act.set({ [name]: event.target.value, camera: null }) }, options.map(([value, text]) => el("option", { value, selected: state[name] === value }, text))));
  const day = (name, label) => el("label", {}, label, el("input", { type: "date", id: `filter-${name}`, value: state[name], onchange: (event) => act.set({ [name]: event.target.value, camera: null }) }));
  const any = (word, values) => [["", word], ...values.map((value) => [value, value.length > 24 ? `${value.slice(0, 12)}…` : value])];
  replaceIn(
    side,
    hasFocus ? focusBox(it) : null,
    el("h2", {}, "Show"), check("agents", "agents"), check("configurations", "configurations"),
    model.groups.length > 1 ? select("sessions", "sessions", [["auto", "open while legible"], ["all", "open"], ["none", "closed"]]) : null,
    el("h2", {}, "Only"), select("kind", "kind", Object.entries(KIND_WORDS)), select("type", "type", [["", "all types"], ...of.types.map(([type, count]) => [type, `${type} (${count.toLocaleString("en")})`])]),
    model.groups.length ? [day("from", "from"), day("to", "to")] : null,
    of.loaderVersions.length ? select("loader", "loader version", any("any", of.loaderVersions)) : null,
    of.quantizations.length ? select("quantization", "quantization", any("any", of.quantizations)) : null,
    isFiltered(state) ? button("Show all again", () => act.set({ session: "", from: "", to: "", loader: "", quantization: "", kind: "", type: "", camera: null }), "all") : null,
    sessionList(it), legendOf(it),
  );
}

function isFiltered(state) {
  return TEXTS.some((name) => state[name]);
}

function focusBox({ model, state, act }) {
  const choose = (name, options) => el("select", { id: `focus-${name}`, "aria-label": name, onchange: (event) => act.set({ [name]: name === "depth" ? (event.target.value === "" ? null : Number(event.target.value)) : event.target.value, camera: null }) }, options.map(([value, text]) => el("option", { value: value ?? "", selected: state[name] === value }, text)));
  const depths = [[null, "all the way"], ...[1, 2, 3, 4, 5, 6, 8, 10].map((n) => [n, `${n} step${n > 1 ? "s" : ""}`])];
  if (state.depth !== null && !depths.some(([n]) => n === state.depth)) depths.push([state.depth, `${state.depth} steps`]);
  return el("section", { class: "focus" }, el("h2", {}, "Around"), el("p", {}, plain(model.nodes[model.byKey.get(state.around)].label)), choose("direction", [["past", "its sources"], ["future", "its consequences"], ["both", "both"]]), choose("depth", depths), button("Whole picture", () => act.set({ around: "", camera: null }), "whole"));
}

function sessionList(it) {
  const { model, state, act, picture } = it;
  if (model.groups.length < 2) return null;
  const word = model.groups.some((group) => group.kind === "session") ? "session" : "bundle", rows = model.groups.map((_, n) => n).filter((n) => isFrame(model.groups[n])).reverse().filter((n) => !state.session || `${model.groups[n].label} ${model.groups[n].key}`.toLowerCase().includes(state.session.toLowerCase()));
  const input = el("input", { type: "search", id: "filter-session", placeholder: `Only ${word}s called …`, "aria-label": `Only ${word}s called`, value: state.session, onchange: (event) => act.set({ session: event.target.value, camera: null }) });
  const items = rows.slice(0, LISTED).map((n) => {
    const group = model.groups[n], isOpen = picture.frames.has(n);
    return el("li", {}, el("button", { type: "button", class: "toggle", "aria-expanded": isOpen ? "true" : "false", "aria-label": plain(`${isOpen ? "Close" : "Open"} ${group.label}`), disabled: Boolean(state.around), onclick: () => act.toggleGroup(n) }, isOpen ? "−" : "+"), el("button", { type: "button", class: "thing", onclick: () => act.go(n + model.nodes.length) }, plain(group.label)));
  });
  return el("section", {}, el("h2", {}, `${word[0].toUpperCase()}${word.slice(1)}s (${rows.length.toLocaleString("en")})`), input, el("ul", { class: "sessions" }, items), rows.length > LISTED ? el("p", { class: "hint" }, `The latest ${LISTED} are listed; search finds the others.`) : null);
}

function legendOf({ model, picture, palette }) {
  const kinds = new Set(picture.seen.items.map((item) => (item < model.nodes.length ? model.nodes[item].kind : "group"))), terms = new Set(picture.seen.edges.flatMap((edge) => [...edge.terms.keys()]));
  const swatch = (drawn) => svgEl("svg", { width: 32, height: 18, "aria-hidden": "true" }, drawn);
  const shape = (kind) => (kind === "agent" ? svgEl("path", { d: "M1 16V6L15 1L29 6V16z", fill: palette.fill[kind], stroke: palette.line[kind] }) : svgEl("rect", { x: 1, y: 1, width: 28, height: 15, rx: { entity: 7.5, group: 4 }[kind] || 1, fill: palette.fill[kind], stroke: palette.line[kind] }));
  const line = (colour) => [svgEl("path", { d: "M30 9H4", stroke: colour, "stroke-width": 1.5 }), svgEl("path", { d: "M1 9L9 5.5V12.5z", fill: colour })];
  const rows = [...["entity", "activity", "agent", "group"].filter((kind) => kinds.has(kind)).map((kind) => [shape(kind), kind === "group" ? "closed: holds more" : kind]), ...[...new Set([...ORDER_OF_TERMS(palette), ...terms])].filter((term) => terms.has(term)).map((term) => [line(palette.relations[term] || palette.other), term])];
  return el("section", { class: "legend" }, el("h2", {}, "Legend"), el("ul", {}, rows.map(([drawn, name]) => el("li", {}, swatch(drawn), name))), el("p", { class: "hint" }, "Arrows point to the past."));
}

/** What is drawn and what is not, in one sentence. */
function toldOfView({ seen, dropped }, model) {
  if (!model.nodes.length) return "Nothing is recorded here.";
  const parts = seen.hidden.map(([what, count]) => `${count.toLocaleString("en")} ${count === 1 ? singular(what) : what}`);
  if (seen.quiet.size) parts.push(`the lines of ${seen.quiet.size} much used thing${seen.quiet.size > 1 ? "s" : ""}`);
  const drawn = `${seen.items.length.toLocaleString("en")} things and ${seen.edges.length.toLocaleString("en")} relations drawn.`, about = seen.focus >= 0 ? `${seen.about} ${model.nodes[seen.focus].label}: ` : "";
  const note = seen.note ? ` ${seen.note[0].toUpperCase()}${seen.note.slice(1)}.` : dropped.size ? ` ${dropped.size.toLocaleString("en")} boxes are left out, the earliest.` : "";
  return plain(`${about}${drawn} ${parts.length ? `Not drawn: ${parts.join(", ")}.` : "Nothing is left out."}${note}`);
}

function singular(plural) {
  return { "other things": "other thing", "things inside of sessions": "thing inside of a session" }[plural] || plural.replace(/s$/, "");
}

/** The list under the search field. */
function fillHits(parts, it, query, chosen) {
  const { items, count } = found(it.model, query), { model } = it;
  const rows = items.map((item, n) => el("li", { role: "option", id: `hit-${n}`, "aria-selected": n === chosen ? "true" : "false", onmousedown: (event) => { event.preventDefault(); it.act.go(item); closeHits(parts); } }, plain(item < model.nodes.length ? model.nodes[item].label : model.groups[item - model.nodes.length].label), el("small", {}, ` ${item < model.nodes.length ? `${model.nodes[item].type} · ${sessionOf(model, item)}` : model.groups[item - model.nodes.length].kind}`)));
  const told = (text) => el("li", { class: "hint", role: "option", "aria-disabled": "true" }, text), more = count > items.length ? [told(`${(count - items.length).toLocaleString("en")} more`)] : [];
  replaceIn(parts.hits, rows.length ? [...rows, ...more] : query.trim() ? told("Nothing is called so.") : []);
  parts.search.setAttribute("aria-activedescendant", rows[chosen] ? rows[chosen].id : "");
  parts.hits.hidden = !query.trim();
  parts.search.setAttribute("aria-expanded", String(!parts.hits.hidden));
  if (rows[chosen]) rows[chosen].scrollIntoView({ block: "nearest" });
  return items;
}

function closeHits(parts) {
  parts.hits.hidden = true;
  parts.search.setAttribute("aria-expanded", "false");
  parts.search.setAttribute("aria-activedescendant", "");
}
