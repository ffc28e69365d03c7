"""Files of questions: their headers, a user's own, and how what is given becomes terms."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from histories import history

import lineage
from lineage.cli import main
from lineage.contract import slices
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.questions import OURS, as_markdown, every, load, read, resolve

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("artifacts")
    history(11, 14, folder=folder)
    return folder


@pytest.fixture
def run(capfdbinary, folder):
    def run(*argv):
        code = main(["ask", *argv, "--in", str(folder)])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def records(folder):
    return sorted(folder.glob("sft_*.jsonl"))[0]


@pytest.mark.parametrize("question", every()[0], ids=lambda one: one.name)
def test_a_question_says_what_it_finds_what_it_needs_and_how_it_is_asked(question):
    assert question.purpose.endswith((".", "made.")) and question.example.startswith(f"lineage ask {question.name}")
    given = question.example.removeprefix(f"lineage ask {question.name}").split()
    assert question.given(given) or not question.params


def test_the_page_of_the_documentation_is_up_to_date():
    page = (ROOT / "docs/reference/questions.md").read_text()
    assert page == as_markdown(one for one in every()[0] if one.path.parent == OURS)


def test_a_file_is_found_by_its_path_its_bytes_and_its_digest(run, folder, monkeypatch):
    file = records(folder)
    digest = next(
        row["sha256"] for row in lineage.query("SELECT ?sha256 { ?f prov:atLocation ?path ; lin:sha256 ?sha256 }", folder, path=file.name)
    )
    answers = {
        run("made-by", name, "-f", "csv")[1]
        for name in (str(file), file.name, digest, digest[:10], f"id:file-sha256-{digest}", f"file-sha256-{digest}")
    }
    assert len(answers) == 1 and len(answers.pop().splitlines()) == 2
    monkeypatch.chdir(folder.parent)
    assert run("made-by", f"{folder.name}/{file.name}")[0] == 0


def test_a_line_is_the_slice_that_it_is_in(run, folder):
    file = records(folder)
    code, out, _ = run("made-by", f"{file}:1", "-f", "jsonl")
    assert code == 0 and json.loads(out)["thing"].endswith("-slice-L1")
    code, _, err = run("made-by", f"{file}:9999")
    assert code == 3 and "no record is on this line" in err
    code, _, err = run("derived-from", f"{file}:1")
    assert code == 2 and "lineage why" in err


def test_a_line_of_a_shuffled_file_is_in_the_slice_that_its_record_names_and_in_all_that_fit_where_it_is_not_there(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(slices, "MAX_RANGES", 2)
    with lineage.session(tmp_path, export=False) as session:
        with session.generation(params={"seed": 1}) as one, session.generation(params={"seed": 2}) as two:
            with one.records("both.jsonl") as a, two.records("both.jsonl") as b:
                for _ in range(6):
                    a.write({"of": "one"})
                    b.write({"of": "two"})
    path = tmp_path / "both.jsonl"
    for line, first in ((1, 1), (2, 2), (11, 1), (12, 2)):
        assert main(["ask", "made-by", f"{path}:{line}", "--in", str(tmp_path), "--format", "jsonl"]) == 0
        told = capfd.readouterr()
        assert {json.loads(row)["thing"][-9:] for row in told.out.splitlines()} == {f"-slice-L{first}"} and "slices fit" not in told.err
    path.unlink()
    assert main(["ask", "made-by", "both.jsonl:2", "--in", str(tmp_path), "--format", "jsonl"]) == 0
    told = capfd.readouterr()
    assert "-slice-L1" in told.out and "-slice-L2" in told.out and "2 slices fit both.jsonl:2" in told.err


def test_a_file_that_changed_is_asked_about_as_it_was_recorded_and_a_note_says_so(folder, tmp_path, capfd):
    copy = tmp_path / "artifacts"
    shutil.copytree(folder, copy)
    file = records(copy)
    file.write_text(file.read_text() + "{}\n")
    code = main(["ask", "made-by", str(file), "--in", str(copy)])
    out, err = capfd.readouterr()
    assert code == 0 and "generate" in out and "not those in the graph" in err


def test_what_is_large_is_found_by_its_path_and_not_read(run, folder, monkeypatch):
    monkeypatch.setattr(resolve, "LARGE", 10)
    monkeypatch.setattr(resolve, "files", SimpleNamespace(artifact=lambda *_, **__: pytest.fail("it was read")))
    code, out, err = run("made-by", str(records(folder)))
    assert code == 0 and "generate" in out and "by its path alone" in err


def test_a_name_of_several_files_is_all_of_them_with_a_note(tmp_path, capfd):
    for place in ("a", "b"):
        with lineage.session(tmp_path / place) as session, session.generation(model=None) as made, made.records("data.jsonl") as out:
            out.write({"instruction": place})
    code = main(["ask", "made-by", "data.jsonl", "--in", str(tmp_path / "a"), "--in", str(tmp_path / "b"), "-f", "csv"])
    out, err = capfd.readouterr()
    assert code == 0 and "data.jsonl is 2 files in this graph" in err and len(out.splitlines()) == 3


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["made-bi", "x"], 3, "did you mean 'made-by'?"),
        (["made-by"], 2, "it needs thing"),
        (["made-by", "a", "b"], 2, "too many arguments"),
        (["made-by", "nothing-like-it.jsonl"], 3, "the graph knows no such file"),
        (["evaluations-of", "Qwen/Qwen2.5-33B"], 3, "did you mean 'Qwen/Qwen2.5-32B'?"),
        (["between", "from=yesterday"], 2, "no time"),
        (["between", "from=2025-01-01", "from=2026-01-01"], 2, "given twice"),
        (["made-by", 'x" } ; DROP ALL #'], 3, "no such file"),
        (["made-by", "\x00"], 3, "no such file"),
        (["made-by", "x" * 5000], 3, "no such file"),
        ([], 2, "which question?"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(run, argv, code, said):
    found, out, err = run(*argv)
    assert found == code and out == "" and said in err


def test_the_query_is_shown_bare_and_with_its_parameters_bound(run, folder):
    assert run("made-by", "--show-sparql")[1] == load("made-by").sparql
    shown = run("made-by", records(folder).name, "--show-sparql")[1]
    assert "VALUES ?thing { <https://w3id.org/lineage-prov/id/file-sha256-" in shown and shown.startswith("PREFIX dcterms:")
    assert lineage.query(shown, folder)  # it can be taken elsewhere


def test_the_questions_are_listed_with_what_they_need(run):
    code, out, _ = run("--list")
    assert (
        code == 0
        and len(out.splitlines()) == len(every()[0])
        and any(line.startswith("between ") and "[FROM] [TO]" in line for line in out.splitlines())
    )


OWN = (
    "# Sessions of a host.\n#\n# @param host string  its name\n# @example lineage ask of-host machine-1\nSELECT ?s { ?s lin:host ?host }\n"
)


def test_a_users_question_lies_in_a_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "of-host.rq").write_text(OWN)
    assert run("of-host", "machine-1", "-f", "csv")[1].count("session-") >= 1 and run("of-host", "x' } #")[1] == ""
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "mine.rq").write_text(OWN)
    monkeypatch.setenv("LINEAGE_QUESTIONS", str(other))
    assert load("mine").params[0].kind == "string" and "mine" in run("--list")[1]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.rq", "SELECT * { ?s ?p ?o }", "no purpose"),
        ("a.rq", "# It.\n# @param x\nSELECT * { ?s ?p ?x }", "a.rq:2: a parameter is"),
        ("a.rq", "# It.\n# @param x colour  red\nSELECT * { ?s ?p ?x }", "no kind of parameter is called 'colour'"),
        ("a.rq", "# It.\n# @param x string  it\nSELECT * { ?s ?p ?o }", "the query has no variable ?x"),
        ("a.rq", "# It.\nSELECT * { ?s ?p }", "a.rq:2:19"),
        ("a.rq", "# It.\nDROP ALL", "would change the graph"),
        ("a.rq", "# It.\nSELECT * { SERVICE <http://x/> {} }", "federation"),
        ("A b.rq", "# It.\nASK {}", "small letters"),
    ],
)
def test_a_broken_question_is_told_by_file_and_line_and_hides_no_other(tmp_path, name, text, said, monkeypatch, run):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError) as caught:
        read(tmp_path / name)
    assert said in str(caught.value)
    monkeypatch.setenv("LINEAGE_QUESTIONS", str(tmp_path))
    code, out, err = run("--list")
    assert code == 1 and "made-by" in out and said in err


def test_a_users_question_cannot_take_the_name_of_one_of_ours(tmp_path, monkeypatch):
    (tmp_path / "made-by.rq").write_text(OWN)
    monkeypatch.setenv("LINEAGE_QUESTIONS", str(tmp_path))
    with pytest.raises(UsageError, match="has the same name"):
        load("made-by")


def test_the_library_asks_by_name(folder):
    rows = lineage.ask("records-by-loader", folder)
    assert rows and isinstance(rows[0]["records"], int)
    assert lineage.ask("made-by", folder, thing=records(folder))[0]["what"] == "generate"
    with pytest.raises(NotFoundError):
        lineage.ask("made-bye", folder)
    with pytest.raises(UsageError, match="no parameter"):
        lineage.ask("sessions", folder, thing="x")


LOADED = {"model_name": "m", "revision": "1", "quantization": "nf4", "loader_version": "a" * 40}


def test_the_records_of_a_loader_stay_where_an_identical_copy_is_recorded(tmp_path):
    with lineage.session(tmp_path) as session:
        load = session.model_load(LOADED)
        with session.generation(model=load, params={"seed": 1}) as made, made.records("data.jsonl") as out:
            for n in range(3):
                out.write({"instruction": str(n)})
    before = lineage.ask("records-by-loader", tmp_path)
    shutil.copy(tmp_path / "data.jsonl", tmp_path / "copy.jsonl")
    assert lineage.ask("records-by-loader", tmp_path) == before
    with lineage.session(tmp_path) as session, session.transformation("copy", inputs=[tmp_path / "data.jsonl"]) as run:
        run.output(tmp_path / "copy.jsonl")
    assert [row["records"] for row in before] == [3] and lineage.ask("records-by-loader", tmp_path) == before


def test_a_file_in_a_folder_that_was_used_was_used(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prompts.jsonl").write_text("{}\n")
    with lineage.session(tmp_path) as session, session.training(model=None, datasets=[tmp_path / "data"]):
        pass
    assert len(lineage.ask("used-by", tmp_path, file=tmp_path / "data" / "prompts.jsonl")) == 1


def test_a_line_of_more_digits_than_a_file_has_is_no_line(run, folder):
    code, _, err = run("made-by", f"{records(folder)}:{'9' * 5000}")
    assert code == 3 and "no such file" in err


SLOW = (
    "ASK { " + " ".join(f"VALUES ?a{n} {{ {' '.join(map(str, range(60)))} }}" for n in range(6)) + " FILTER(?a0+?a1+?a2+?a3+?a4+?a5 = -1) }"
)


def test_a_users_question_that_is_slow_to_read_is_given_up_and_told(tmp_path, monkeypatch, run):
    (tmp_path / "slow.rq").write_text(f"# Slow.\n{SLOW}\n")
    monkeypatch.setenv("LINEAGE_QUESTIONS", str(tmp_path))
    code, _, err = run("slow", "--timeout", "0.3")
    assert code == 1 and "slow.rq" in err and "stopped after 0.3 seconds" in err
    code, out, err = run("--list", "--timeout", "0.3")
    assert code == 1 and "made-by" in out and "slow.rq" in err


def test_training_on_a_folder_shows_the_loaders_behind_its_files(tmp_path):
    (tmp_path / "data").mkdir()
    with lineage.session(tmp_path) as session:
        load = session.model_load(LOADED)
        with session.generation(model=load, params={"seed": 1}) as made, made.records("data/a.jsonl") as out:
            out.write({"instruction": "x"})
        with session.training(model=load, datasets=[tmp_path / "data"]) as trained:
            (tmp_path / "adapter.bin").write_bytes(b"weights")
            trained.output("adapter.bin", type="model")
        again = session.model_load({**LOADED, "loader_version": "b" * 40}, files=[tmp_path / "adapter.bin"])
        with session.evaluation(model=again, dataset_name="t") as judged:
            (tmp_path / "report.json").write_text("{}")
            judged.output("report.json", type="evaluation")
    [row] = lineage.ask("mixed-loaders", tmp_path)
    assert (row["data"], row["evaluated_with"], row["generated_with"]) == ("data/a.jsonl", "b" * 40, "a" * 40)
