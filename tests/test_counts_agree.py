"""One folder has one number of sessions, whoever counts them: files without a manifest are no session."""

import json
import re
from pathlib import Path

import pytest
from histories import history

import lineage
from lineage.cli import main
from lineage.draw.reading import model
from lineage.facts import CodeVersion, Generation, Script, Session
from lineage.mapping import document
from lineage.subject import subject


@pytest.mark.parametrize("legacy", [0, 1, 3])
@pytest.mark.parametrize("sessions", [1, 2, 6])
def test_every_verb_counts_the_same_sessions(tmp_path, sessions, legacy, capsys):
    history(4, sessions, folder=tmp_path)
    for number in range(legacy):
        (tmp_path / f"old_{number}.jsonl").write_text('{"a": 1}\n' * (number + 1))
    assert main(["session", "list", str(tmp_path)]) == 0
    told = capsys.readouterr()
    listed = [line.split()[0] for line in told.out.splitlines()]
    assert len(listed) == sessions
    assert ("that no session names" in told.err) == bool(legacy)
    main(["ask", "sessions", "--in", str(tmp_path), "-f", "json"])
    asked = {row["session"]["value"].rpartition("/")[2] for row in json.loads(capsys.readouterr().out)["results"]["bindings"]}
    assert len(asked) == sessions
    assert dict(lineage.audit(tmp_path).checked)["sessions"] == sessions
    assert sum(group.kind == "session" for group in model(subject(tmp_path).document).groups) == sessions
    assert lineage.open_library(tmp_path).__str__().endswith(f"{sessions} session{'' if sessions == 1 else 's'}")


def test_the_explorer_counts_groups_that_are_sessions():
    text = (Path(lineage.__file__).parent / "draw" / "viewer" / "details.js").read_text()
    assert re.search(r'\["sessions", model\.groups\.filter\(\(group\) => group\.kind === "session"\)', text)


def test_no_line_says_one_of_several(tmp_path, capsys):
    with lineage.session(tmp_path, title="one") as session, session.generation(params={"seed": 1}) as run:
        with run.records("a.jsonl") as out:
            out.write({"instruction": "a"})
    main(["session", "list", str(tmp_path)])
    for verb in (["audit", str(tmp_path)], ["why", str(tmp_path / "a.jsonl:1")], ["impact", "a.jsonl", "--in", str(tmp_path)], ["verify", str(tmp_path / "a.jsonl")]):  # fmt: skip
        main(verb)
    told = capsys.readouterr()
    assert not re.search(
        r"(?<![\d.,])(?<!of )1 (sessions|records|files|reports|activities|lines|findings|generations)\b", told.out + told.err
    )


def test_scripts_of_one_commit_and_other_bytes_have_labels_of_their_own():
    labels = set()
    for digest in ("a" * 64, "b" * 64):
        script = Script(path="build.py", version="c" * 40, sha256=digest)
        run = Generation(id=digest[:32], script=script)
        code = CodeVersion(git_sha="c" * 40, dirty=True)
        session = Session(id=f"s-{digest[:4]}", manifest="session_manifest_s.json", code=code, activities=(run,))
        texts = [str(getattr(value, "lexical", "")) for one in document(session).statements for _, value in one.attributes]
        labels |= {text for text in texts if text.startswith("build.py @")}
    assert labels == {"build.py @cccccccc (aaaaaaaa)", "build.py @cccccccc (bbbbbbbb)"}
