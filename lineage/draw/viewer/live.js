// What only a page of `lineage serve` has: records a page at a time, a word when the folder has changed, a link to ask in SPARQL.

const RECORDS = 50, LOOK = 5000; // records of a page; milliseconds between two looks at the folder

EXTRA.push((it, n) => (it.model.nodes[n].type === "RecordFile" ? recordsOf(it.model.nodes[n]) : null));

/** The records of a file. Each page begins after the line where the one before ends. */
function recordsOf(node) {
  const box = el("section", { class: "paged records" }), before = [];
  const show = async (after) => {
    const page = await asked(`/records/${encodeURIComponent(node.tail)}?after=${after}&limit=${RECORDS}`);
    replaceIn(box, el("h3", {}, "Records"), page.error ? el("p", { class: "hint" }, page.error) : pageOf(page, before, show));
  };
  replaceIn(box, el("h3", {}, "Records"), el("p", { class: "actions" }, button("List the records", () => show(0), "records")));
  return box;
}

function pageOf(page, before, show) {
  const { rows, after, next, lines } = page;
  if (!rows.length) return el("p", { class: "hint" }, "There is no record here.");
  const turn = (name, text, isOff, onclick) => el("button", { type: "button", "data-action": name, disabled: isOff, onclick }, text);
  const of = lines === null ? "" : ` of ${lines.toLocaleString("en")}`;
  return [
    el("p", { class: "pages" },
      turn("records-before", "‹ before", !before.length, () => show(before.pop())),
      ` ${rows[0].line.toLocaleString("en")}–${rows[rows.length - 1].line.toLocaleString("en")}${of} `,
      turn("records-next", "next ›", next === null, () => { before.push(after); show(next); }),
      el("label", {}, " line ", el("input", { type: "number", min: 1, class: "line", "aria-label": "Go to a line", onchange: (event) => { before.push(after); show(Math.max(Number(event.target.value) - 1, 0)); } }))),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "narrow" }, "line"), el("th", { scope: "col" }, "record"))), el("tbody", {}, rows.map(rowOf))),
  ];
}

function rowOf({ line, run, seed, time, preview, problem }) {
  const told = [run && `run ${String(run).slice(0, 8)}`, seed !== null && `seed ${seed}`, time && String(time).slice(0, 19).replace("T", " ")].filter(Boolean);
  return el("tr", {}, el("td", {}, line.toLocaleString("en")), el("td", {}, problem ? el("p", { class: "problem" }, plain(problem)) : null, el("small", { title: plain(run || "") }, plain(told.join(" · "))), el("div", { class: "preview" }, plain(preview))));
}

async function asked(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : { error: plain(await answer.text()) };
  } catch (error) {
    if (error instanceof TypeError) return { error: "The server does not answer. Is lineage serve still running?" };
    throw error;
  }
}

/** In the page's head: the way to the SPARQL page, and what became of the folder since the page was read. */
async function watch() {
  const word = el("span", { id: "live", role: "status", "aria-live": "polite" }, "live");
  const bar = el("nav", { id: "livebar" }, word, el("a", { href: "/query" }, "SPARQL"));
  const app = document.getElementById("app"), built = new MutationObserver(() => {
    (app.querySelector(".tools") || document.body).prepend(bar);
    built.disconnect();
  });
  built.observe(app, { childList: true });
  const data = document.getElementById("data");
  const look = async () => {
    if (document.hidden) return;
    const { version, error } = await asked("/version");
    const isOther = data.dataset.version && version !== data.dataset.version; // than what is shown; while that is read, nothing can be said
    bar.dataset.is = error ? "gone" : isOther ? "changed" : "live";
    if (error) replaceIn(word, "no answer");
    else if (isOther) replaceIn(word, el("button", { type: "button", "data-action": "reload", onclick: () => location.reload() }, "The folder has changed: show it"));
    else replaceIn(word, "live");
  };
  await look();
  setInterval(look, LOOK);
  document.addEventListener("visibilitychange", look);
}

watch();
