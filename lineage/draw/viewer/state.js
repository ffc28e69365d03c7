// What the reader sees, as the address tells it: `#around=…&sel=…`. The same address gives the same picture.

const TEXTS = ["session", "from", "to", "loader", "quantization", "kind", "type"];

/** The state at first, before an address says otherwise. */
function firstState(model) {
  const { wish } = model, around = wish.around;
  return {
    agents: wish.agents, configurations: wish.configurations, sessions: wish.sessions, steps: [], select: "", other: "",
    around: around ? model.nodes[around[0]].key : "", depth: around ? around[1] : null, direction: around ? around[2] : "both",
    tab: "details", table: false, theme: "", camera: null, session: "", from: "", to: "", loader: "", quantization: "", kind: "", type: "",
  };
}

/** The state that a fragment tells. Things are named by their keys; what is not in the model is left out. */
function stateOf(model, fragment) {
  const state = firstState(model), said = new URLSearchParams(fragment.replace(/^#/, ""));
  const known = (key) => (model.byKey.has(key) || model.groupByKey.has(key) ? key : "");
  for (const name of TEXTS) if (said.has(name)) state[name] = said.get(name);
  if (said.has("select")) state.select = known(said.get("select"));
  if (said.has("other")) state.other = known(said.get("other"));
  if (said.has("around")) state.around = known(said.get("around"));
  if (said.has("depth")) state.depth = /^\d{1,3}$/.test(said.get("depth")) ? Number(said.get("depth")) : null;
  if (["past", "future", "both"].includes(said.get("direction"))) state.direction = said.get("direction");
  if (["auto", "all", "none"].includes(said.get("sessions"))) state.sessions = said.get("sessions");
  if (["details", "sources", "consequences", "compare", "findings"].includes(said.get("tab"))) state.tab = said.get("tab");
  if (["light", "dark"].includes(said.get("theme"))) state.theme = said.get("theme");
  for (const name of ["agents", "configurations", "table"]) if (said.has(name)) state[name] = said.get(name) === "1";
  state.steps = said.getAll("step").filter((step) => isStep(model, step));
  const camera = (said.get("camera") || "").split(",").map(Number);
  if (camera.length === 3 && camera.every(Number.isFinite) && camera[2] > 0) state.camera = { x: camera[0], y: camera[1], scale: camera[2] };
  return state;
}

function isStep(model, step) {
  return ("+-".includes(step[0]) && model.groupByKey.has(step.slice(1))) || ("*/".includes(step[0]) && model.byKey.has(step.slice(1)));
}

/** The fragment that tells a state: only what is not as at first. */
function fragmentOf(model, state) {
  const first = firstState(model), said = new URLSearchParams();
  for (const [name, value] of Object.entries(state)) {
    if (name === "steps") value.forEach((step) => said.append("step", step));
    else if (name === "camera") { if (value) said.set(name, [value.x, value.y, value.scale].map((part) => Math.round(part * 1000) / 1000).join(",")); }
    else if (value !== first[name]) said.set(name, value === null ? "all" : typeof value === "boolean" ? String(Number(value)) : String(value));
  }
  return said.toString();
}

/** The steps with one more; a step and its contrary, one after the other, are none. */
function withStep(steps, step) {
  const contrary = { "+": "-", "-": "+", "*": "/", "/": "*" }[step[0]] + step.slice(1);
  return steps.length && steps[steps.length - 1] === contrary ? steps.slice(0, -1) : [...steps, step];
}

/** What the state asks to be drawn; `key` is the same for equal wishes. */
function wishOf(model, state) {
  const filter = Object.fromEntries(TEXTS.map((name) => [name, state[name]]));
  const around = state.around && model.byKey.has(state.around) ? { node: model.byKey.get(state.around), depth: state.depth, direction: state.direction } : null;
  const asked = { agents: state.agents, configurations: state.configurations, sessions: state.sessions, around, limit: model.measures.limit };
  return { ...asked, passes: passing(model, filter), key: JSON.stringify([asked, filter]) };
}

/** Steps with numbers in the place of keys. */
function numbered(model, steps) {
  return steps.map((step) => [step[0], "+-".includes(step[0]) ? model.groupByKey.get(step.slice(1)) : model.byKey.get(step.slice(1))]);
}

/** The number of an item by its key; -1 where there is none. */
function itemOf(model, key) {
  if (model.groupByKey.has(key)) return model.nodes.length + model.groupByKey.get(key);
  return model.byKey.has(key) ? model.byKey.get(key) : -1;
}

function keyOf(model, item) {
  return item < model.nodes.length ? model.nodes[item].key : model.groups[item - model.nodes.length].key;
}
