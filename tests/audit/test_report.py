"""The report: what it says, in which formats, with which exit code, and what is selected, ignored and suppressed."""

import base64
import hashlib
import json
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from faults import FAULTS
from histories import history
from lxml import etree

import lineage
from lineage.auditing import config, machines, page, plain, reports
from lineage.auditing.config import Config, Suppression
from lineage.cli import main
from lineage.cli.audit import _fitted
from lineage.errors import NotFoundError, UsageError

SARIF = jsonschema.Draft202012Validator(json.loads((Path(__file__).parent / "sarif" / "sarif-2.1.0.json").read_text()))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVIL = "a<script>alert(1)\"'&|`*[x](javascript:x)\x1b[31m\n\u202e.jsonl"


def folder_with(tmp_path, *codes, seed=1, sessions=9):
    history(seed, sessions, folder=tmp_path, clean=True)
    for code in codes:
        assert FAULTS[code](random.Random(seed), tmp_path), code
    return tmp_path


@pytest.fixture
def hostile(tmp_path):
    """A folder whose names are written against every format."""
    folder = folder_with(tmp_path / "f", "dirty-code") if (tmp_path / "f").mkdir() is None else None
    (folder / EVIL).write_bytes(b'{"a": 1}\n[]\n')
    path = sorted(folder.glob("session_manifest_*"))[0]
    manifest = json.loads(path.read_bytes())
    manifest["title"] = EVIL
    path.write_text(json.dumps(manifest | {"ended_at": "]]><x>\x1b[2J\u0000\ud800"}))
    return folder


def audited(folder, **more):
    return lineage.audit(folder, now=NOW, **more)


# --- what it says


def test_an_altered_file_is_named_with_the_records_models_and_scores_that_rest_on_it(tmp_path):
    history(5, 14, folder=tmp_path, clean=True)
    trained = {used["file"] for path in tmp_path.glob("session_manifest_*") for run in json.loads(path.read_bytes())["activities"] if run["type"] == "training" for used in run["used"] if used["role"] == "trainingData"}  # fmt: skip
    file = sorted(trained)[0]
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes().replace(b"question", b"Question", 1))
    report = audited(tmp_path)
    one = next(one for one in report.open if one.finding.code == "altered-file")
    impact = lineage.impact(file, report.world.library)
    assert one.finding.file == file and one.consequences.records == impact.records > 0
    assert one.consequences.models == tuple(dict.fromkeys(model.name for model in impact.models)) != ()
    assert len(one.consequences.scores) == len(impact.scores) and str(one.consequences) in str(report)


def test_the_report_says_what_was_checked_and_what_was_not(tmp_path):
    folder_with(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    report = audited(tmp_path)
    assert dict(report.checked)["sessions"] == 9 and dict(report.checked)["records"] > 0
    assert {("signatures", None), ("commits", None)} <= {one[:2] for one in report.unchecked}
    assert {"file": "notes.txt", "why": "no session names it"} in report.audited["files_not_checked"]


def test_the_same_folder_gives_the_same_bytes(tmp_path):
    folder_with(tmp_path, "dirty-code", "altered-file", "metric-differs")
    for write in (
        page.html,
        machines.junit,
        lambda one: json.dumps(machines.sarif(one)),
        lambda one: json.dumps(machines.as_json(one)),
        str,
    ):
        assert write(audited(tmp_path)) == write(audited(tmp_path))


def test_only_the_time_of_the_report_and_nothing_else_tells_two_runs_apart(tmp_path):
    folder_with(tmp_path, "dirty-code")
    one, other = (machines.as_json(lineage.audit(tmp_path, now=time)) for time in (NOW, NOW.replace(year=2027)))
    assert one.pop("at") != other.pop("at")
    assert one.pop("sha256") != other.pop("sha256")  # of the whole report, with its time
    assert one == other
    assert json.dumps(machines.sarif(audited(tmp_path))) == json.dumps(machines.sarif(lineage.audit(tmp_path, now=NOW.replace(year=2027))))


# --- formats


def test_sarif_passes_its_schema_and_names_every_finding(hostile):
    report = audited(hostile, config=Config(suppress=(Suppression(code="dirty-code", reason="known"),)))
    log = json.loads(json.dumps(machines.sarif(report)))
    SARIF.validate(log)
    results, rules = log["runs"][0]["results"], log["runs"][0]["tool"]["driver"]["rules"]
    assert len(results) == len(report.remarks) > 3
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    assert [one["suppressions"][0]["justification"] for one in results if "suppressions" in one] == ["known"]
    assert all(not re.search(r"[^!-~]", one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for one in results)


def test_the_schema_of_sarif_refuses_what_is_no_sarif(hostile):
    log = machines.sarif(audited(hostile))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(SARIF.iter_errors(json.loads(json.dumps(log))))


def test_junit_is_well_formed_and_counts_what_it_holds(hostile):
    report = audited(hostile, config=Config(suppress=(Suppression(code="dirty-code", reason=EVIL),)))
    root = etree.fromstring(machines.junit(report).encode())
    assert len(root.findall(".//failure")) == int(root.get("failures")) == sum(one.level != "note" for one in report.open) > 2
    assert len(root.findall(".//testcase")) == int(root.get("tests")) and len(root.findall(".//skipped")) == 1
    assert sum(int(suite.get("failures")) for suite in root) == int(root.get("failures"))


class Page(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.style, self._inside = [], [], "", None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *one) for one in attrs]
        self._inside = tag

    def handle_data(self, data):
        if self._inside == "style":
            self.style += data
            self._inside = None


def test_the_page_runs_nothing_loads_nothing_and_allows_only_its_own_style(hostile):
    text = page.html(audited(hostile))
    read = Page(text)
    policy = next(value for tag, name, value in read.attributes if (tag, name) == ("meta", "content") and "default-src" in value)
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert f"'sha256-{base64.b64encode(hashlib.sha256(read.style.encode()).digest()).decode()}'" in policy
    assert not {"script", "iframe", "object", "embed", "link", "img", "form", "base"} & set(read.tags)
    assert not [one for one in read.attributes if one[1].startswith("on") or one[1] in ("style", "src", "href", "srcset")]
    assert "svg" in read.tags and "@media print" in read.style and '<th scope="row">Signature</th>' in text
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def luminance(colour):
    """WCAG 2.2: the relative luminance of `#rgb` or `#rrggbb`."""
    digits = colour[1:] if len(colour) == 7 else "".join(letter * 2 for letter in colour[1:])
    parts = (int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_of_the_page_can_be_read_on_its_paper_by_day_and_by_night(scheme):
    light, dark = (dict(re.findall(r"--(\w+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]*--[^}]*)\}", page.STYLE))
    told = light | (dark if scheme == "dark" else {})
    paper = luminance(told.pop("paper"))
    assert len(told) == 7 and dark.keys() - {"paper"} == told.keys()
    for name in told.keys() - {"line"}:
        low, high = sorted((luminance(told[name]), paper))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_a_printed_report_loses_nothing_that_a_printer_leaves_out_and_numbers_its_pages():
    assert re.findall(r"background[^:;}]*:(?!#fff|var\(--paper\))", page.STYLE) == [] and "color:#fff" not in page.STYLE
    assert "counter(page)" in page.STYLE and "counter(pages)" in page.STYLE and "break-after:avoid" in page.STYLE


def test_who_signs_reads_on_that_page_what_is_signed(hostile):
    text = page.html(audited(hostile))
    signed = text[text.index("<h2>Signature</h2>") :]
    assert f"<p>Audit of {hostile}, {NOW.isoformat(timespec='seconds')}: " in signed and "error" in signed


@pytest.mark.parametrize(("size", "wide"), [("900 300", True), ("300 900", False)])
def test_a_wide_picture_is_printed_on_a_page_on_its_side_and_the_keyboard_reaches_it(size, wide):
    told = "\n".join(page._lineage(SimpleNamespace(picture=f'<svg width="1" viewBox="0 0 {size}"></svg>')))
    assert ('<section class="wide">' in told) is wide and 'tabindex="0" role="region" aria-label="The lineage of the folder"' in told


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")
def test_a_report_of_three_hundred_findings_is_printed_on_pages_and_its_picture_on_one_that_lies_on_its_side(tmp_path):
    (tmp_path / "f").mkdir()
    folder_with(tmp_path / "f")
    for name in ("a", "b", "c"):  # of a file a hundred findings are told one by one
        (tmp_path / "f" / f"{name}.jsonl").write_text('{"instruction": "a"\n' * 100)
    report = audited(tmp_path / "f")
    assert len(report.open) >= 300
    (tmp_path / "report.html").write_text(page.html(report))
    printing = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--no-pdf-header-footer",
    ]
    subprocess.run([*printing, f"--print-to-pdf={tmp_path / 'report.pdf'}", (tmp_path / "report.html").as_uri()], check=True, capture_output=True, timeout=120)  # fmt: skip
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", (tmp_path / "report.pdf").read_bytes())
    on_side = [number for number, (width, height) in enumerate(boxes, 1) if float(width) > float(height)]
    assert len(boxes) > 8 and on_side == [len(boxes) - 1]  # the last page is the one to be signed


def test_markdown_obeys_no_markup_of_a_name(hostile):
    lines = list(plain.markdown(audited(hostile)))
    told = next(line for line in lines if "script" in line)
    assert not re.search(r"(?<!\\)<", told) and "\\<script\\>" in told and "\\[x\\]\\(javascript" in told and "\x1b" not in told
    assert len(re.findall(r"(?<!\\)\|", told)) == 4


def test_markdown_makes_no_link_and_calls_nobody_for_a_name():
    told = plain.plain("https://evil.example www.evil.example ada@evil.example @team #7")
    assert not re.search(r"(?<!\\)[:@#]|www\.", told)


def test_text_is_one_line_a_thing_and_sends_no_control_character(hostile):
    lines = list(plain.text(audited(hostile)))
    assert all(line.isprintable() for line in lines) and any("\\x1b[31m" in line for line in lines)


def test_a_line_fits_the_terminal_and_no_name_is_broken_where_there_is_none_it_stays_whole():
    line = "    makes doubtful: 6 records; file " + "sft-training-data.jsonl " * 9
    parts = _fitted(line, 80)
    assert len(parts) > 2 and all(len(part) < 80 for part in parts) and " ".join(map(str.strip, parts)) == line.strip()
    assert parts[0].startswith("    makes") and all(part.startswith("        sft-training-data.jsonl") for part in parts[1:])
    assert _fitted(line, None) == [line] and _fitted("x" * 200, 80) == ["x" * 200]


# --- select, ignore, suppress, fail


def test_what_is_not_selected_is_counted_and_not_reported(tmp_path):
    folder_with(tmp_path, "dirty-code", "never-closed")
    report = audited(tmp_path, config=Config(select=("dirty-code", "prov")))
    assert {one.code for one in report.findings} == {"dirty-code"}
    report = audited(tmp_path, config=Config(ignore=("dirty",)))
    assert {one.code for one in report.findings} == {"never-closed"}


def test_a_group_is_named_by_the_beginning_of_its_codes():
    assert (
        config.fits("prov", "prov-50")
        and config.fits("prov-50", "prov-50")
        and not config.fits("pro", "prov-50")
        and not config.fits("prov-5", "prov-50")
    )


@pytest.mark.parametrize("more", [{"select": ("dirty-cod",)}, {"ignore": ("nothing",)}, {"suppress": (Suppression(code="x", reason="y"),)}])
def test_a_code_that_is_none_is_refused(more):
    with pytest.raises(UsageError):
        Config(**more)


def test_a_suppressed_finding_is_shown_with_its_reason_and_does_not_fail(tmp_path):
    folder_with(tmp_path, "dirty-code")
    report = audited(
        tmp_path, config=Config(suppress=(Suppression(code="dirty-code", path="session_manifest_*", reason="the diff is kept"),))
    )
    assert report.code() == 0 and report.open == () and len(report.suppressed) == 1
    for told in (str(report), page.html(report), "\n".join(plain.markdown(report)), json.dumps(machines.as_json(report))):
        assert "the diff is kept" in told


def test_a_suppression_of_another_file_suppresses_nothing(tmp_path):
    folder_with(tmp_path, "dirty-code")
    assert audited(tmp_path, config=Config(suppress=(Suppression(code="dirty-code", path="other*", reason="x"),))).code() == 1


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_suppression_without_a_reason_is_refused(reason):
    with pytest.raises(UsageError, match="reason"):
        Config(suppress=(Suppression(code="dirty-code", reason=reason),))
    with pytest.raises(UsageError, match="reason"):
        config.read({"suppress": [{"code": "dirty-code", "path": "*"} | ({"reason": reason} if reason else {})]}, "pyproject.toml")


@pytest.mark.parametrize(
    "table",
    [
        {"selct": []},
        {"select": "x"},
        {"fail-on": "fatal"},
        {"suppress": {}},
        {"suppress": [1]},
        {"suppress": [{"code": 1, "reason": "x"}]},
        {"select": [1]},
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table):
    with pytest.raises(UsageError):
        config.read(table, "pyproject.toml")


def test_the_nearest_project_that_has_a_table_configures_the_audit_and_the_folder_itself_never_does(tmp_path):
    table = '[tool.lineage.audit]\nignore = ["dirty-code"]\n'
    inner, folder = tmp_path / "a" / "b", tmp_path / "a" / "artifacts"
    inner.mkdir(parents=True)
    folder.mkdir()
    (tmp_path / "pyproject.toml").write_text(table)
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\n")
    (folder / "pyproject.toml").write_text(table.replace("dirty-code", "altered-file"))
    assert config.nearest(folder, inner).ignore == ("dirty-code",) and config.nearest(folder, folder).ignore == ("dirty-code",)
    assert config.nearest(folder, inner).source == str(tmp_path / "pyproject.toml")
    (tmp_path / "pyproject.toml").write_text("[")
    with pytest.raises(UsageError, match="TOML"):
        config.nearest(folder, inner)


@pytest.mark.parametrize(
    ("codes", "exit_code"),
    [
        ((), 0),
        (("dirty-code",), 1),
        (("prov-22",), 5),
        (("prov-malformed",), 5),
        (("altered-file",), 4),
        (("missing-file",), 4),
        (("broken-root",), 4),
        (("prov-22", "dirty-code"), 5),
        (("altered-file", "dirty-code", "prov-22"), 4),
    ],
)
def test_the_exit_code_is_that_of_the_worst(codes, exit_code, tmp_path, capsys):
    folder_with(tmp_path, *codes)
    assert main(["audit", str(tmp_path)]) == exit_code
    assert main(["audit", str(tmp_path), "--fail-on", "never"]) == 0


def test_a_level_below_the_one_that_fails_does_not_fail(tmp_path):
    folder_with(tmp_path, "dirty-code")
    report = audited(tmp_path)
    assert report.code("error") == 0 and report.code("warning") == 1 and report.code("note") == 1


def test_a_folder_that_is_not_there_is_code_3(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "none")]) == 3
    with pytest.raises(NotFoundError):
        lineage.audit(tmp_path / "none")


def test_a_usage_error_is_code_2(tmp_path, capsys):
    assert main(["audit", str(tmp_path), "--select", "dirty-cod"]) == 2
    assert "did you mean dirty-code?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["text", "markdown", "html", "json", "sarif", "junit"])
def test_every_format_goes_to_stdout_or_to_a_file(name, tmp_path, capsys):
    (tmp_path / "f").mkdir()
    folder = folder_with(tmp_path / "f", "dirty-code")
    assert main(["audit", str(folder), "--format", name]) == 1
    shown = capsys.readouterr().out
    assert main(["audit", str(folder), "--format", name, "-o", str(tmp_path / "out")]) == 1
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00|[0-9a-f]{64}"  # the time, and the digest of a report that holds it
    took = re.sub(moment, "", (tmp_path / "out").read_text())
    assert took == re.sub(moment, "", shown)
    assert "dirty-code" in took


def test_the_json_of_the_command_line_has_stable_keys(tmp_path, capsys):
    folder_with(tmp_path, "altered-file")
    assert main(["audit", str(tmp_path), "--json"]) == 4
    told = json.loads(capsys.readouterr().out)
    keys = {
        "folder",
        "at",
        "version",
        "exit_code",
        "counts",
        "findings",
        "suppressed",
        "ignored",
        "configuration",
        "checked",
        "known",
        "replayed",
        "not_checked",
        "claimed_not_checked",
        "nothing_audited",
        "audited",
        "report",
        "sha256",
    }
    assert set(told) == keys and told["exit_code"] == 4
    assert set(told["findings"][0]) == {"file", "line", "code", "level", "message", "hint", "why", "session", "consequences"}


def test_the_lines_of_an_altered_file_are_named_by_its_sidecar(tmp_path):
    folder_with(tmp_path)
    lineage.audit(tmp_path)  # makes the sidecars
    file = next(path for path in sorted(tmp_path.glob("*.jsonl")) if path.read_bytes().count(b"\n") > 2)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([lines[0], lines[1].replace(b"question", b"Question"), *lines[2:]]))
    found = [one for one in audited(tmp_path).findings if one.file == file.name and one.code in ("altered-file", "other-sidecar")]
    assert len(found) == 1 and found[0].message.endswith("; line 2 changed")


@pytest.mark.parametrize("model", [{}, [], None, 7])
def test_a_result_of_any_shape_is_a_finding_at_worst(model, tmp_path):
    folder_with(tmp_path)
    for path in tmp_path.glob("evaluation_*.json"):
        told = json.loads(path.read_bytes())
        told["results"][0]["model"] = model
        told["summary"]["base_accuracy"] = 10**400
        path.write_text(json.dumps(told))
    assert {"metric-differs", "size-differs", "altered-file"} <= {one.code for one in audited(tmp_path).findings}


RIGHT, WRONG = {"correct": True}, {"correct": 0}


@pytest.mark.parametrize(
    ("name", "results", "number"),
    [
        ("accuracy", [RIGHT, WRONG], 0.5),
        ("sft_accuracy", [RIGHT, RIGHT], 1.0),
        ("sft_accuracy", [{"model": "sft", **RIGHT}, {"model": "base", **WRONG}], 1.0),
        ("base_accuracy", [{"base_correct": False, "sft_correct": True}], 0.0),
        ("accuracy", [{"passed": True}, {"is_correct": False}], 0.5),
        ("accuracy", [RIGHT, {}], None),
        ("accuracy", [RIGHT, 7], None),
        ("accuracy", [{"correct": 0.5}], None),
        ("accuracy", [], None),
        ("loss", [RIGHT], None),
        ("other_accuracy", [{"model": "sft", **RIGHT}], None),
    ],
)
def test_a_number_is_computed_anew_only_where_that_is_certain(name, results, number):
    assert reports.recomputed(name, 0.5, results) == number


def test_a_file_that_was_renamed_is_named_by_both_names(tmp_path):
    folder_with(tmp_path)
    file = next(path for path in sorted(tmp_path.glob("sft_*.jsonl")))
    file.rename(tmp_path / "better.jsonl")
    found = next(one for one in audited(tmp_path).findings if one.code == "missing-file")
    assert found.file == file.name and found.message.endswith("; its bytes are there as better.jsonl")


@pytest.mark.parametrize("recorded", [True, False], ids=["its size is recorded", "its size is not recorded"])
def test_a_renamed_input_that_nothing_else_speaks_of_is_named_by_both_names(tmp_path, recorded):
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "prompts.jsonl").write_text('{"instruction": "a"}\n')
    (tmp_path / "inputs" / "same_size.jsonl").write_text('{"instruction": "b"}\n')
    with lineage.session(tmp_path, export=False) as session, session.generation(prompts=[tmp_path / "inputs" / "prompts.jsonl"]):
        pass
    if not recorded:
        told = json.loads(session.manifest.read_text())
        for used in (one for run in told["activities"] for one in run["used"]):
            del used["bytes"]
        session.manifest.write_text(json.dumps(told))
    (tmp_path / "inputs" / "prompts.jsonl").rename(tmp_path / "inputs" / "easier.jsonl")
    found = next(one for one in audited(tmp_path).findings if one.code == "missing-file")
    assert found.message.endswith("; its bytes are there as inputs/easier.jsonl")
