// The panel beside the picture: all that is known of what is selected.

const EXTRA = []; // what else a page tells of a thing: functions of the viewer and the number of the node
const LONG = 400, SHOWN_PROBLEMS = 20, TABS = [["details", "Details"], ["sources", "Sources"], ["consequences", "Consequences"], ["compare", "Compare"], ["findings", "Findings"]];

/** Fill the panel for a state. */
function fillPanel(panel, it) {
  const { model, state, act } = it;
  const tabs = TABS.map(([name, label]) => el("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-selected": state.tab === name ? "true" : "false", "aria-controls": "tabpanel",
    onclick: () => act.set({ tab: name }),
  }, name === "findings" ? `${label} (${model.problems.length.toLocaleString("en")})` : label));
  const body = { details: detailsOf, sources: (one) => closureTable(one, true), consequences: (one) => closureTable(one, false), compare: comparison, findings: findingsOf }[state.tab](it);
  replaceIn(panel, el("div", { role: "tablist", class: "tabs", "aria-label": "What to tell of the selection" }, tabs), el("div", { id: "tabpanel", role: "tabpanel", "aria-labelledby": `tab-${state.tab}` }, body));
}

function nothing(text) {
  return [el("p", { class: "hint" }, text)];
}

function detailsOf(it) {
  const { model, state } = it, item = itemOf(model, state.select);
  if (item < 0) return [...nothing("Select something in the picture, or search for it. Shift and click selects a second thing, to compare the two and to see the way between them."), ...overview(it)];
  return item < model.nodes.length ? nodeDetails(it, item) : groupDetails(it, item - model.nodes.length);
}

function overview({ model }) {
  const count = (kind) => model.nodes.filter((node) => node.kind === kind).length.toLocaleString("en");
  const rows = [["entities", count("entity")], ["activities", count("activity")], ["agents", count("agent")], ["relations", model.relations.length.toLocaleString("en")], ["sessions", model.groups.filter((group) => group.kind === "session").length.toLocaleString("en")], ["findings", model.problems.length.toLocaleString("en")]];
  return [el("h3", {}, "In this document"), facts(rows)];
}

function nodeDetails(it, n) {
  const { model } = it, node = model.nodes[n];
  return [
    el("h2", {}, plain(node.label)),
    el("p", { class: "kind" }, `${node.kind} · ${node.type}${knownBy(node)}`, node.group >= 0 ? [" · in ", thingButton(it, model.nodes.length + node.group)] : []),
    actionsOf(it, n),
    problemsOf(model, node),
    el("h3", {}, "Attributes"),
    facts([["id", linkTo(node.link && /^[a-z]+:/i.test(node.link) ? node.link : "", plain(node.id))], ...(node.link && !/^[a-z]+:/i.test(node.link) ? [["file", linkTo(node.link, plain(decoded(node.link)))]] : []), ...node.attributes.map(([name, value]) => [name, long(plain(value))])]),
    EXTRA.map((more) => more(it, n)),
    metadataOf(node),
    relationsOfNode(it, n, true),
    relationsOfNode(it, n, false),
    membersOf(it, n),
  ];
}

/** How a thing is known, in the words of lin:knownBy: behind its type, so that a claim is not read as an observation. */
function knownBy(node) {
  const words = (name) => node.attributes.filter((pair) => pair[0] === name).map((pair) => plain(pair[1])).join(", ");
  const itself = words("lin:knownBy"), parameters = words("lin:parametersKnownBy");
  return (itself ? ` · ${itself}` : "") + (parameters ? ` · parameters ${parameters}` : "");
}

function decoded(address) {
  try {
    return decodeURIComponent(address);
  } catch (error) {
    if (error instanceof URIError) return address;
    throw error;
  }
}

function problemsOf(model, node) {
  return node.problems.map((n) => problemLine(model.problems[n]));
}

function problemLine({ level, text }) {
  return el("p", { class: "problem" }, el("b", {}, `${level}: `), plain(text));
}

/** The first findings on whatever is inside of a group. */
function problemsInside(model, group) {
  const inside = model.problems.filter(({ nodes }) => nodes.some((n) => isWithin(model, model.nodes[n].group, group)));
  const rest = inside.length - SHOWN_PROBLEMS, lines = inside.slice(0, SHOWN_PROBLEMS);
  return [...lines.map(problemLine), rest > 0 ? el("p", { class: "hint" }, `and ${rest.toLocaleString("en")} more`) : null];
}

/** Names and values as a table; a value may be an element. */
function facts(rows) {
  return el("table", { class: "facts" }, el("tbody", {}, rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
}

function long(text) {
  if (text.length <= LONG) return text;
  const rest = el("span", { hidden: true }, text.slice(LONG)), more = el("button", { type: "button", class: "link", onclick: () => { rest.hidden = false; more.remove(); } }, `… ${(text.length - LONG).toLocaleString("en")} characters more`);
  return el("span", {}, text.slice(0, LONG), rest, more);
}

function metadataOf(node) {
  if (!node.metadata) return null;
  let text = node.metadata;
  try {
    text = JSON.stringify(JSON.parse(node.metadata), null, 1);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // metadata that was cut is shown as it is
  }
  return [el("h3", {}, "What its records say of themselves"), el("pre", {}, plain(text))];
}

function groupDetails(it, n) {
  const { model } = it, group = model.groups[n], node = group.node >= 0 ? model.nodes[group.node] : null;
  const inside = model.nodes.map((_, at) => at).filter((at) => model.nodes[at].group === n && model.nodes[at].role === "thing");
  const rows = model.groups.map((_, at) => at).filter((at) => model.groups[at].parent === n).map((at) => at + model.nodes.length);
  const isOpen = it.picture.frames.has(n);
  return [
    el("h2", {}, plain(group.label)),
    el("p", { class: "kind" }, GROUP_WORDS[group.kind], group.time ? ` · ${group.time.slice(0, 16).replace("T", " ")}` : ""),
    el("p", { class: "actions" }, button(isOpen ? "Close" : "Open", () => it.act.step(`${isOpen ? "-" : "+"}${group.key}`), "open"), button("Show in the picture", () => it.act.open(n + model.nodes.length), "reveal")),
    problemsInside(model, n),
    facts([...(group.loaderVersions.length ? [["loader version", plain(group.loaderVersions.join(", "))]] : []), ...(group.quantizations.length ? [["quantization", plain(group.quantizations.join(", "))]] : []), ...(node ? node.attributes.map(([name, value]) => [name, long(plain(value))]) : [])]),
    pagedList(it, rows.length ? `${rows.length} inside` : `${inside.length.toLocaleString("en")} things inside`, rows.length ? rows : inside),
    node ? relationsOfNode(it, group.node, true) : null,
  ];
}

function button(text, onclick, name = "") {
  return el("button", { type: "button", onclick, "data-action": name || false }, text);
}

function thingButton(it, item) {
  const label = item < it.model.nodes.length ? it.model.nodes[item].label : it.model.groups[item - it.model.nodes.length].label;
  return el("button", { type: "button", class: "thing", "data-to": keyOf(it.model, item), onclick: () => it.act.go(item) }, plain(label) || "(no name)");
}

function actionsOf(it, n) {
  const { model, state, act } = it, node = model.nodes[n], key = node.key, isUnfolded = it.picture.unfolded.has(n);
  return el(
    "p", { class: "actions" },
    button("Sources", () => act.set({ around: key, direction: "past", depth: null, camera: null }), "sources"),
    button("Consequences", () => act.set({ around: key, direction: "future", depth: null, camera: null }), "consequences"),
    button("Neighbours", () => act.set({ around: key, direction: "both", depth: 2, camera: null }), "neighbours"),
    node.members.length ? button(isUnfolded ? "Hide members" : "Show members", () => act.step(`${isUnfolded ? "/" : "*"}${key}`), "members") : null,
    node.group >= 0 && it.picture.frames.has(node.group) ? button("Close its session", () => act.step(`-${model.groups[node.group].key}`), "close") : null,
    button(state.around ? "Show in the whole picture" : "Show in the picture", () => act.open(n), "reveal"),
    button("Compare with …", () => act.pick(), "pick"),
  );
}

function relationsOfNode(it, n, past) {
  const node = it.model.nodes[n], those = past ? node.out : node.in;
  if (!those.length) return null;
  const rows = those.map((at) => {
    const one = it.model.relations[at], other = past ? one.target : one.source;
    return [el("span", {}, one.term), el("span", {}, thingButton(it, other), howOf(one.attributes))];
  });
  return paged(past ? `Made from, and by (${those.length.toLocaleString("en")})` : `What refers to it (${those.length.toLocaleString("en")})`, ["relation", past ? "older thing" : "newer thing"], rows);
}

function membersOf(it, n) {
  const { members } = it.model.nodes[n];
  return members.length ? pagedList(it, `Members (${members.length.toLocaleString("en")})`, members) : null;
}

function pagedList(it, title, items) {
  return items.length ? paged(title, ["thing", "what it is"], items.map((item) => [thingButton(it, item), boxAt(it.model, item).lines.join(" · ")])) : null;
}

function findingsOf(it) {
  const rows = it.model.problems.map((one) => [one.level, el("span", {}, plain(one.text)), el("span", {}, one.nodes.slice(0, 5).map((n) => [thingButton(it, n), " "]))]);
  return rows.length ? [paged("Findings", ["level", "what is wrong", "where"], rows)] : nothing("Nothing was found to be wrong.");
}
