// Which of a model is drawn. It does what view.py does: change both. Items are numbered: a node by its number, a group after all nodes.

const PLURALS = { Slice: "slices", Record: "records", ModelFile: "model files", Metric: "metrics", SentinelResults: "sentinel results" };
const ROLE_WORDS = { agent: "agents", configuration: "configurations", thing: "other things" };
const ABOUT = { past: "Sources of", future: "Consequences of", both: "Sources and consequences of" };

/** What `wish` shows: { agents, configurations, sessions, open, closed, unfolded, around, limit, passes }. `passes` hides nodes and groups. */
function viewOf(model, wish) {
  if (wish.around) return aroundOf(model, wish);
  const opened = new Set([...openedAtFirst(model, wish), ...(wish.open || [])]);
  for (const group of wish.closed || []) opened.delete(group);
  const places = placesOfNodes(model, opened, wish);
  const dropped = wish.dropped || new Set();
  const items = [...new Set(places.filter((item) => item >= 0 && !dropped.has(item)))].sort((a, b) => a - b);
  const kept = items.length <= wish.limit ? items : latest(model, items, places, wish.limit);
  const note = kept.length < items.length ? `${(items.length - kept.length).toLocaleString("en")} of ${items.length.toLocaleString("en")} boxes are left out, the earliest` : "";
  return seenOf(model, places, kept, opened, note, true);
}

/** How many findings concern what each item stands for. */
function wrongOf(model, places) {
  const count = new Map();
  for (const { nodes } of model.problems) for (const item of new Set(nodes.map((n) => places[n]))) if (item >= 0) count.set(item, (count.get(item) || 0) + 1);
  return count;
}

/** The groups that are open before anyone opened or closed any. */
function openedAtFirst(model, wish) {
  const every = model.groups.map((_, n) => n);
  const sessions = every.filter((n) => !["sessions", "common"].includes(model.groups[n].kind) && model.groups[n].parent < 0);
  if (wish.sessions === "auto" && every.length > 1) {
    const drawn = new Set(placesOfNodes(model, new Set(sessions), wish).filter((item) => item >= 0));
    return drawn.size <= Math.min(model.measures.legible, wish.limit) ? sessions : [];
  }
  return wish.sessions === "none" && every.length > 1 ? [] : every;
}

/** The item that stands for each node; -1: it is hidden. */
function placesOfNodes(model, opened, wish) {
  const closed = closedAround(model, opened), count = model.nodes.length, places = new Array(count).fill(-1), done = new Uint8Array(count);
  const shown = { agent: wish.agents, configuration: wish.configurations, frame: wish.agents || wish.configurations, thing: true, member: true };
  const passes = wish.passes || (() => true), unfolded = wish.unfolded || new Set();
  const placeOf = (n) => {
    const node = model.nodes[n];
    if (done[n]) return places[n];
    done[n] = 1;
    if (node.parent >= 0) {
      const outer = placeOf(node.parent);
      places[n] = outer === node.parent && unfolded.has(node.parent) && node.place < MEMBERS && passes(n) ? n : outer;
    } else if (passes(n)) {
      const group = node.group >= 0 ? closed[node.group] : -1;
      places[n] = group >= 0 ? count + group : shown[node.role] && (node.role !== "frame" || node.kind === "activity") ? n : -1;
    }
    return places[n];
  };
  for (let n = 0; n < count; n++) placeOf(n);
  return places;
}

function closedAround(model, opened) {
  const found = new Array(model.groups.length).fill(-1);
  for (let n = model.groups.length - 1; n >= 0; n--) { // a group's parent has a higher number
    const parent = model.groups[n].parent, around = parent >= 0 ? found[parent] : -1;
    found[n] = around >= 0 ? around : opened.has(n) ? -1 : n;
  }
  return found;
}

function latest(model, items, places, limit) {
  const time = (item) => (item < model.nodes.length ? model.nodes[item].time : model.groups[item - model.nodes.length].time);
  const near = new Map(items.map((item) => [item, time(item)]));
  for (const one of model.relations) {
    const pair = [places[one.source], places[one.target]].filter((item) => item >= 0);
    const last = pair.map(time).reduce((a, b) => (b > a ? b : a), "");
    for (const item of pair) if (!time(item) && last > near.get(item)) near.set(item, last);
  }
  const order = items.slice().sort((a, b) => (near.get(b) > near.get(a) ? 1 : near.get(b) < near.get(a) ? -1 : b - a));
  return order.slice(0, limit).sort((a, b) => a - b);
}

function seenOf(model, places, items, opened, note, framed) {
  const kept = new Set(items), edges = new Map();
  for (const one of model.relations) {
    const source = places[one.source], target = places[one.target];
    if (source === target || one.isTold || !kept.has(source) || !kept.has(target)) continue;
    const key = `${source} ${target}`;
    if (!edges.has(key)) edges.set(key, { source, target, terms: new Map() });
    const terms = edges.get(key).terms;
    terms.set(one.term, (terms.get(one.term) || 0) + 1);
  }
  const every = [...edges.values()].sort((a, b) => a.source - b.source || a.target - b.target);
  const quiet = framed ? hubs(model, every) : new Map();
  const isLoud = (edge) => !quiet.has(edge.source) && !quiet.has(edge.target);
  return {
    items, places, opened, note, framed, quiet, edges: every.filter(isLoud), quietEdges: every.filter((edge) => !isLoud(edge)),
    hidden: hiddenOf(model, places, kept), wrong: wrongOf(model, places), focus: -1, about: "",
  };
}

function hubs(model, edges) {
  const users = new Map(), count = model.nodes.length;
  for (const { source, target } of edges) {
    for (const [one, other] of [[source, target], [target, source]]) {
      if (!isCommon(model, one)) continue;
      const group = other < count ? model.nodes[other].group : -1;
      if (!users.has(one)) users.set(one, new Set());
      users.get(one).add(group < 0 ? other : count + group);
    }
  }
  const many = [...users].filter(([, those]) => those.size > model.measures.hub && model.groups.length > 1);
  return new Map(many.map(([item, those]) => [item, those.size]));
}

function isCommon(model, item) {
  if (item >= model.nodes.length) return ["sessions", "common"].includes(model.groups[item - model.nodes.length].kind);
  const { group } = model.nodes[item];
  return group < 0 || model.groups[group].kind === "common";
}

function hiddenOf(model, places, kept) {
  const count = new Map();
  model.nodes.forEach((node, n) => {
    if ((places[n] === n && kept.has(n)) || node.role === "frame") return;
    const inside = places[n] >= 0 && places[n] !== n && kept.has(places[n]) && node.role === "thing";
    const word = inside ? "things inside of sessions" : node.role === "member" ? PLURALS[node.type] || "members" : ROLE_WORDS[node.role];
    count.set(word, (count.get(word) || 0) + 1);
  });
  return [...count].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function aroundOf(model, wish) {
  const reached = reachedFrom(model, wish, wish.around), kept = reached.slice(0, wish.limit).map(([n]) => n);
  const note = kept.length < reached.length ? `${(reached.length - kept.length).toLocaleString("en")} things further away are left out` : "";
  const inside = new Set(kept), places = standing(model, wish, wish.around.node).map((place) => (inside.has(place) ? place : -1));
  const seen = seenOf(model, places, kept.sort((a, b) => a - b), new Set(), note, false);
  return Object.assign(seen, { focus: wish.around.node, about: ABOUT[wish.around.direction] });
}

/** [node, distance] of everything in a direction, the nearest first. */
function reachedFrom(model, wish, { node, depth, direction }) {
  const stands = standing(model, wish, node), parts = partsOf(model, stands);
  const found = new Map([[node, 0]]), affected = direction === "past" ? null : affectedBy(model, node);
  const walked = [...(direction === "future" ? [] : [true]), ...(direction === "past" || affected ? [] : [false])];
  for (const past of walked) {
    const distance = new Map([[node, 0]]), waiting = [node];
    for (let at = 0; at < waiting.length; at++) {
      const from = waiting[at], away = distance.get(from);
      if (depth !== null && depth !== undefined && away >= depth) continue;
      for (const part of parts.get(from)) {
        for (const n of past ? model.nodes[part].out : model.nodes[part].in) {
          const one = model.relations[n], to = stands[past ? one.target : one.source];
          if (!one.isTold && to >= 0 && !distance.has(to)) { distance.set(to, away + 1); waiting.push(to); }
        }
      }
    }
    for (const [to, away] of distance) if (!found.has(to)) found.set(to, away);
  }
  for (const [one, away] of affected || []) {
    const to = stands[one], isNear = depth === null || depth === undefined || away <= depth;
    if (to >= 0 && isNear && !found.has(to)) found.set(to, away);
  }
  return [...found].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
}

/** What each node is walked over as: itself; a part that is not shown as the whole; -1: not at all. */
function standing(model, wish, focus) {
  const passes = wish.passes || (() => true), isShown = (n) => n === focus || (passes(n) && isInWalks(model.nodes[n], wish, model.nodes[focus]));
  return model.nodes.map((_, n) => {
    let at = n;
    while (!isShown(at) && model.nodes[at].parent >= 0) at = model.nodes[at].parent;
    return isShown(at) ? at : -1;
  });
}

function partsOf(model, stands) {
  const parts = new Map();
  stands.forEach((place, n) => { if (place >= 0) push(parts, place, n); });
  return parts;
}

function isInWalks(node, wish, focus) {
  if (node.role === "member") return focus.role === "member" && node.type === focus.type;
  return { agent: Boolean(wish.agents), configuration: Boolean(wish.configurations), frame: false, thing: true }[node.role];
}

function boxAt(model, item) {
  return item < model.nodes.length ? model.nodes[item].box : model.groups[item - model.nodes.length].box;
}
