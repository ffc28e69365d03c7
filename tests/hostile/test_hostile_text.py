"""Text of strangers in reports, pages and pictures: no terminal obeys it, and nobody is misled by what cannot be seen."""

import json
import re

import pytest
from log_commands import obeyed

import lineage
from lineage.cli import main

HOSTILE = (
    "::error::x\n::warning::y\r##[error]z ##vso[task.setvariable variable=a]b\x1b[31m\x1b]0;t\x07\x9b31m\x85\u202ee\u2066\u2028"
    "<script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:x) ![i](http://e/x) @org #1 `c` |]]>--> \"' \\ ##teamcity[x]"
    "\u200b\ufeff\u00ad\U000e0041\ufff9"
)
CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
TAGS = re.compile(r"<script>alert|<img src=x", re.IGNORECASE)
OUTPUTS = {
    "audit-html": ["audit", "{}", "-f", "html"],
    "audit-json": ["audit", "{}", "-f", "json"],
    "audit-junit": ["audit", "{}", "-f", "junit"],
    "audit-markdown": ["audit", "{}", "-f", "markdown"],
    "audit-sarif": ["audit", "{}", "-f", "sarif"],
    "audit-text": ["audit", "{}", "-f", "text"],
    "draw-dot": ["draw", "{}", "-f", "dot", "-o", "-"],
    "draw-html": ["draw", "{}", "-f", "html", "-o", "-"],
    "draw-mmd": ["draw", "{}", "-f", "mmd", "-o", "-"],
    "draw-svg": ["draw", "{}", "-f", "svg", "-o", "-"],
    "query-table": ["query", "--in", "{}", "SELECT * { ?s ?p ?o }", "-f", "table"],
    "report-card": ["report", "--in", "{}", "--profile", "data-card"],
    "session-list": ["session", "list", "{}"],
    "why-file": ["why", "--in", "{}", "data.jsonl"],
    "show-record": ["show", "{}/data.jsonl:1"],
}
MARKUP = {"audit-html", "audit-junit", "draw-html", "draw-svg"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A session whose every text is hostile, and a line that its run did not write."""
    folder = tmp_path_factory.mktemp("text") / "a"
    with lineage.session(folder, title=HOSTILE) as session:
        load = session.model_load({"model_name": HOSTILE, "revision": HOSTILE, "quantization": "bf16"})
        with session.generation(model=load, params={"seed": 1, HOSTILE: HOSTILE}) as run, run.records("data.jsonl") as out:
            out.write({"instruction": HOSTILE, "response": HOSTILE})
        with session.evaluation(model=load, dataset_name=HOSTILE, dataset_size=2) as run:
            run.report("evaluation_x.json", summary={HOSTILE: 0.5, "accuracy": 0.3}, results=[])
    with (folder / "data.jsonl").open("a") as out:
        out.write(json.dumps({"instruction": HOSTILE}) + "\n")
    (folder / HOSTILE[:40].replace("/", "_")).write_text("x")
    return folder


@pytest.mark.parametrize("name", OUTPUTS)
def test_hostile_text_is_shown_and_never_obeyed(folder, name, capfd):
    main([part.replace("{}", str(folder)) for part in OUTPUTS[name]])
    shown = capfd.readouterr()
    assert len(shown.out) > 20
    for text in shown:
        assert list(obeyed(text)) == []
        assert CONTROL.findall(text) == []
    if name in MARKUP:
        assert TAGS.findall(shown.out) == []


def test_a_table_for_programs_holds_no_command_and_means_the_same(folder, capfd):
    main(["query", "--in", str(folder), "SELECT ?o { ?s rdfs:label|dcterms:title ?o }", "-f", "tsv"])
    text = capfd.readouterr().out
    assert list(obeyed(text)) == []
    assert "##[" not in text
