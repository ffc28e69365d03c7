"""No verb prints a line that a CI runner obeys, whatever the files of a folder are called and whatever they say."""

import json
import subprocess
import sys

import handmade
import pytest
from log_commands import obeyed

from lineage.cli import main

NAMES = ("::error file=x::pwn", "  ::add-mask::x", "##[error]x", "##vso[task.complete]x", "##teamcity[x]", "a\n::stop-commands::x", "a\r::warning::x", "\u202e::x\x9b2J")  # fmt: skip


@pytest.fixture(scope="module", params=NAMES, ids=range(len(NAMES)))
def hostile(request, tmp_path_factory):
    """A folder whose session, files, titles, models and values are written against the log."""
    evil = request.param
    told = handmade.files()
    manifest = told[handmade.MANIFEST]
    manifest |= {"title": evil, "operator": evil, "status": evil, "error": {"type": evil, "message": evil}}
    manifest["artifacts_generated"] += [
        {"file": f"{evil}.jsonl", "type": "training_data", "count": 1, "timestamp": evil, "sha256": "0" * 64},
        {"file": f"{evil}/x", "type": evil, "count": 1, "timestamp": "2025-10-04T12:00:00"},
    ]
    manifest["environment"] |= {"gpu": evil, "git_sha": evil}
    manifest["loader_config"]["model_name"] = evil
    for row in told["sft.jsonl"]:
        row["metadata"]["script_name"] = evil
        row["metadata"]["provenance"] = {**row["metadata"]["provenance"], "model_name": evil, "loader_version": evil}
        row["instruction"] = evil
    told["evaluation_base.json"]["summary"][evil] = 1.0
    told["evaluation_base.json"]["metadata"]["dataset"]["name"] = evil
    folder = handmade.write(tmp_path_factory.mktemp("hostile") / "f", told)
    name = evil.replace("/", "_").encode("utf-8", "surrogatepass")
    (folder / f"{name.decode()}.jsonl").write_text('{"a": 1}\n[]\n')
    (folder / f"{name.decode()}.json").write_text(json.dumps({"results": 1, "lm_eval_version": evil}))
    (folder / "deep").mkdir()
    (folder / f"session_manifest_{name.decode()}.json").write_text("{")
    return folder, evil


VERBS = {
    **{f"audit {name}": ("audit", "{f}", "-f", name) for name in ("text", "markdown", "html", "json", "sarif", "junit")},
    "export": ("export", "{f}", "--legacy"),
    "export json": ("export", "{f}", "--json"),
    **{f"export {name}": ("export", "{f}", "-o", "-", "-f", name) for name in ("json", "turtle", "trig")},
    **{f"draw {name}": ("draw", "{f}", "-o", "-", "-f", name) for name in ("svg", "html", "json", "dot", "mmd")},
    "list": ("session", "list", "{f}"),
    "why": ("why", "{f}/sft.jsonl:1"),
    "why json": ("why", "{f}/sft.jsonl:1", "--json"),
    "why not": ("why", "{evil}", "--in", "{f}"),
    "why a file": ("why", "{f}/sft.jsonl", "--in", "{f}"),
    "why mermaid": ("why", "{f}/sft.jsonl", "--in", "{f}", "-f", "mermaid"),
    "impact": ("impact", "{f}/sft.jsonl", "--in", "{f}"),
    "path": ("path", "{f}/sft.jsonl", "{f}/evaluation_base.json", "--in", "{f}"),
    "show": ("show", "{f}/sft.jsonl:1"),
    "verify": ("verify", "{f}/sft.jsonl"),
    "verify nothing": ("verify", "{evil}"),
    "ask": ("ask", "sessions", "--in", "{f}"),
    "ask json": ("ask", "models", "--in", "{f}", "-f", "json"),
    "ask models": ("ask", "models", "--in", "{f}"),
    "query": ("query", "SELECT ?l {{ ?a rdfs:label ?l }}", "--in", "{f}"),
    "query jsonl": ("query", "SELECT ?l {{ ?a prov:label ?l }}", "--in", "{f}", "-f", "jsonl"),
    "query wrong": ("query", "SELECT {evil}", "--in", "{f}"),
    **{f"report {name}": ("report", "--profile", name, "--in", "{f}") for name in ("annex-iv", "methods", "data-card", "model-card")},
    "report json": ("report", "--profile", "annex-iv", "--json", "--in", "{f}"),
    "validate": ("validate", "{f}/sft.jsonl"),
    "diff": ("diff", "{evil}", "{evil}", "--in", "{f}"),
    "redact": ("redact", "{f}", "-o", "{f}.copy"),
    "close": ("session", "close", "{f}"),
    "usage": ("audit", "--{evil}"),
    "no verb": ("{evil}",),
    "no session": ("export", "{f}", "--session", "{evil}"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_line_of_any_verb_is_a_command(hostile, verb, capsysbinary):
    folder, evil = hostile
    main([part.format(f=folder, evil=evil) for part in VERBS[verb]])
    told = capsysbinary.readouterr()
    for text in (told.out.decode("utf-8", "surrogateescape"), told.err.decode("utf-8", "surrogateescape")):
        assert not list(obeyed(text)), verb


def test_a_traceback_is_printed_as_every_other_text(tmp_path):
    code = "import sys; sys.argv = ['lineage', 'x']; import lineage.cli as c; c._run = lambda argv: (_ for _ in ()).throw(RuntimeError('a\\n::error::x ##[error]')); c.main()"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert not list(obeyed(done.stderr))
