// The page to ask in SPARQL: questions with a name, a query, its answer. dom.js stands before it.

const ROWS = 1000, TEXT = 200_000; // rows and characters that are shown; what is saved is whole
const TABLE = "application/sparql-results+json, text/turtle;q=0.9";
const START = "SELECT ?file ?count {\n  ?f a lin:RecordFile ; prov:atLocation ?file .\n  OPTIONAL { ?f lin:count ?count }\n}\nORDER BY ?file\nLIMIT 100\n";
const SUFFIXES = { "application/sparql-results+json": "json", "application/sparql-results+xml": "xml", "text/csv": "csv", "text/tab-separated-values": "tsv", "text/turtle": "ttl", "application/n-triples": "nt", "application/rdf+xml": "rdf", "application/ld+json": "jsonld" };
const HEX = /\b([0-9a-f]{12})[0-9a-f]{20,}\b/; // a digest: its beginning is enough to see which one it is
const HINTS = { file: "path, id, or the beginning of a sha256", record: "path, FILE:LINE, or the beginning of a sha256", model: "name, path, or the beginning of a sha256", session: "the beginning of its id", commit: "the beginning of its SHA", time: "2026-01-31 or 2026-01-31T12:00:00+01:00", boolean: "true or false", iri: "prov:Entity or a whole IRI" };
const NUMBER = /^http:\/\/www\.w3\.org\/2001\/XMLSchema#(integer|decimal|double|float|long|int|nonNegativeInteger)$/;

const part = (id) => document.getElementById(id);
const it = { known: { base: "", prefixes: {}, questions: [] }, running: null, answer: null };

async function begin() {
  const answer = await fetch("/questions");
  if (!answer.ok) throw new Error(await answer.text());
  it.known = await answer.json();
  listQuestions("");
  const said = new URLSearchParams(location.hash.slice(1)).get("query");
  part("query").value = said || withPrefixes(START);
  part("run").addEventListener("click", run);
  part("stop").addEventListener("click", () => it.running && it.running.abort());
  part("save").addEventListener("click", save);
  part("find").addEventListener("input", () => listQuestions(part("find").value));
  part("query").addEventListener("input", () => { part("params").hidden = true; });
  part("query").addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(); });
  document.body.dataset.ready = "1";
}

function withPrefixes(query) {
  const wanted = ["lin", "prov", "rdfs"].map((name) => `PREFIX ${name}: <${it.known.prefixes[name]}>\n`);
  return wanted.join("") + query;
}

function listQuestions(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = it.known.questions.filter((one) => wanted.every((word) => `${one.name} ${one.purpose}`.toLowerCase().includes(word)));
  replaceIn(part("questions"), fitting.map((one) => el("li", {}, el("button", { type: "button", "data-question": one.name, onclick: () => take(one) }, el("b", {}, one.name), el("small", {}, one.purpose)))));
}

/** A question in the field, and fields for what it asks for. Its parameters are variables: as long as nobody binds them, all is found. */
function take(question) {
  const { params } = question, told = el("p", {}, el("b", {}, question.name), ` ${plain(question.purpose)}`);
  const form = el("form", { onsubmit: (event) => { event.preventDefault(); fillIn(question, form); } }, told, params.map(fieldOf), el("button", { type: "submit", id: "fill" }, "Fill in and run"));
  part("query").value = question.sparql;
  part("params").hidden = !params.length;
  replaceIn(part("params"), params.length ? form : null);
  (params.length ? part("params").querySelector("input") : part("query")).focus();
}

function fieldOf({ name, kind, text, optional }) {
  const word = optional ? el("span", {}, "(optional)") : el("span", { class: "needed" }, "(needed)");
  return el("label", {}, el("b", {}, name), ` ${plain(text)} `, word, el("input", { name, required: !optional, placeholder: HINTS[kind] || kind, autocomplete: "off", spellcheck: "false" }));
}

/** Have the server look up what was given, and bind it: it goes into the query as terms, and not as it was written. */
async function fillIn(question, form) {
  try {
    const answer = await fetch(`/questions/${question.name}?${new URLSearchParams(new FormData(form))}`);
    if (!answer.ok) { fail(await answer.text(), `Refused (${answer.status})`); return; }
    const { sparql, notes } = await answer.json();
    part("query").value = sparql;
    await run();
    part("result").prepend(...notes.map((note) => el("p", { class: "note" }, plain(note))));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    fail(`the server cannot be reached: ${error.message}`, "No answer");
  }
}

async function run() {
  if (it.running) it.running.abort();
  const mine = new AbortController(), query = part("query").value, began = performance.now();
  it.running = mine;
  busy(true);
  part("status").textContent = "Asking …";
  history.replaceState(null, "", `#${new URLSearchParams({ query })}`);
  try {
    const answer = await fetch("/sparql", { method: "POST", signal: mine.signal, headers: { Accept: part("format").value || TABLE }, body: new URLSearchParams({ query }) });
    const text = await answer.text();
    if (answer.ok) show(text, (answer.headers.get("Content-Type") || "").split(";")[0], performance.now() - began);
    else fail(text, `Refused (${answer.status})`);
  } catch (error) {
    if (error.name === "AbortError") fail("", "Stopped");
    else if (error instanceof TypeError) fail(`the server cannot be reached: ${error.message}`, "No answer");
    else throw error;
  } finally {
    if (it.running === mine) { it.running = null; busy(false); }
  }
}

function busy(is) {
  part("stop").disabled = !is;
  document.body.toggleAttribute("aria-busy", is);
}

function fail(text, status) {
  it.answer = null;
  part("save").disabled = true;
  part("status").textContent = status;
  replaceIn(part("result"), text ? el("p", { class: "failed", role: "alert" }, text.trimEnd()) : null);
}

function show(text, type, took) {
  it.answer = { text, type };
  part("save").disabled = false;
  const time = `${(took / 1000).toFixed(2)} s`;
  if (part("format").value || type !== "application/sparql-results+json") {
    part("status").textContent = `${text.length.toLocaleString("en")} characters, ${time}`;
    replaceIn(part("result"), el("pre", {}, text.slice(0, TEXT)), text.length > TEXT ? el("p", { class: "none" }, `The first ${TEXT.toLocaleString("en")} characters are shown; Save gives all.`) : null);
    return;
  }
  const found = JSON.parse(text);
  if (found.boolean !== undefined) {
    part("status").textContent = time;
    replaceIn(part("result"), el("p", {}, el("b", {}, found.boolean ? "yes" : "no")));
    return;
  }
  const rows = found.results.bindings, names = found.head.vars;
  part("status").textContent = `${rows.length.toLocaleString("en")} row${rows.length === 1 ? "" : "s"}, ${time}`;
  const body = rows.slice(0, ROWS).map((row) => el("tr", {}, names.map((name) => cell(row[name]))));
  replaceIn(part("result"), rows.length ? el("table", {}, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, body)) : el("p", { class: "none" }, "Nothing in the graph fits."), rows.length > ROWS ? el("p", { class: "none" }, `The first ${ROWS.toLocaleString("en")} rows are shown; Save gives all.`) : null);
}

function cell(term) {
  if (!term) return el("td", { class: "none" }, "–");
  if (term.type === "literal") return el("td", { class: NUMBER.test(term.datatype || "") ? "number" : false, title: HEX.test(term.value) ? term.value : false }, plain(term.value).replace(HEX, "$1…"));
  return el("td", { title: term.value }, term.type === "uri" && term.value.startsWith(it.known.base) ? inExplorer(term.value) : short(term.value));
}

/** What the explorer can show is a link to it. */
function inExplorer(iri) {
  const key = iri.slice(iri.lastIndexOf("/") + 1);
  return el("a", { href: `/#${new URLSearchParams({ select: key })}` }, short(iri));
}

function short(iri) {
  const fitting = Object.entries(it.known.prefixes).filter(([, base]) => iri.startsWith(base)).sort((a, b) => b[1].length - a[1].length)[0];
  const name = fitting ? `${fitting[0]}:${iri.slice(fitting[1].length)}` : iri;
  return plain(name).replace(HEX, "$1…");
}

function save() {
  if (!it.answer) return;
  const link = el("a", { href: URL.createObjectURL(new Blob([it.answer.text], { type: it.answer.type })), download: `answer.${SUFFIXES[it.answer.type] || "txt"}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

begin().catch((error) => { fail(error.message, "The questions cannot be read"); throw error; });
