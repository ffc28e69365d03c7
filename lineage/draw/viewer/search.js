// Finding things by words, and the filters: which nodes and groups pass.

const FOUND = 50;

/** Things whose label, id or type holds every word, labels that begin so first: { items, count }. */
function found(model, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean), hits = [];
  if (!words.length) return { items: [], count: 0 };
  model.nodes.forEach((node, n) => {
    const label = node.label.toLowerCase(), text = `${label} ${node.id.toLowerCase()} ${node.type.toLowerCase()}`;
    if (node.role !== "frame" && words.every((word) => text.includes(word))) hits.push([rankOf(label, words, node.role), n]);
  });
  model.groups.forEach((group, n) => {
    const label = group.label.toLowerCase();
    if (words.every((word) => `${label} ${group.key.toLowerCase()} ${group.kind}`.includes(word))) hits.push([rankOf(label, words, "thing"), model.nodes.length + n]);
  });
  hits.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return { items: hits.slice(0, FOUND).map(([, item]) => item), count: hits.length };
}

function rankOf(label, words, role) {
  const phrase = words.join(" "), isInLabel = words.every((word) => label.includes(word));
  return (label === phrase ? 0 : label.startsWith(phrase) ? 1 : label.includes(phrase) ? 2 : isInLabel ? 3 : 4) + (role === "thing" ? 0 : 5);
}

/** What can be filtered by: the values there are. */
function facets(model) {
  const of = (key) => [...new Set(model.groups.flatMap((group) => (!isFrame(group) ? [] : group[key])))].sort();
  const types = new Map();
  for (const node of model.nodes) if (node.role === "thing") types.set(node.type, (types.get(node.type) || 0) + 1);
  return { loaderVersions: of("loaderVersions"), quantizations: of("quantizations"), types: [...types].sort((a, b) => (a[0] < b[0] ? -1 : 1)) };
}

/** The test that a filter puts to nodes; null where it lets everything pass. */
function passing(model, filter) {
  const bySession = filter.session || filter.from || filter.to || filter.loader || filter.quantization;
  if (!bySession && !filter.kind && !filter.type) return null;
  const groups = model.groups.map((group, n) => isFrame(group) && groupPasses(group, n, filter, model));
  const used = bySession ? touched(model, groups) : null;
  return (n) => {
    const node = model.nodes[n];
    if (filter.kind && node.kind !== filter.kind && node.role !== "frame") return false;
    if (filter.type && node.type !== filter.type && node.role === "thing") return false;
    return !bySession || (node.group >= 0 ? groups[node.group] : used.has(n));
  };
}

function groupPasses(group, n, filter, model) {
  const day = group.time.slice(0, 10);
  if (filter.session && !`${group.label} ${group.key}`.toLowerCase().includes(filter.session.toLowerCase())) return false;
  if ((filter.from && !(day >= filter.from)) || (filter.to && !(day && day <= filter.to))) return false;
  return (!filter.loader || group.loaderVersions.includes(filter.loader)) && (!filter.quantization || group.quantizations.includes(filter.quantization));
}

/** Things of no session that a session which passes is related to. */
function touched(model, groups) {
  const found = new Set();
  for (const { source, target } of model.relations) {
    const a = model.nodes[source].group, b = model.nodes[target].group;
    if (a >= 0 && groups[a] && b < 0) found.add(target);
    if (b >= 0 && groups[b] && a < 0) found.add(source);
  }
  return found;
}
