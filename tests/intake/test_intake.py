"""A file read in parts, by however many processes, cut off or remembered, is the file read from end to end."""

import gzip
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lineage
from lineage import intake
from lineage.capture import files
from lineage.cli import main
from lineage.contract import records
from lineage.contract.lines import stretches
from lineage.contract.slices import MAX_RANGES
from lineage.intake import Taken, Wanted, part, take_in, work
from lineage.intake.workers import Workers
from lineage.integrity import index

META = {"provenance": {"loader_version": "a", "template_disabled": True, "model_name": "m", "quantization": "nf4", "sentinel_tests_passed": True, "add_special_tokens": False}}  # fmt: skip


def line(n, quantization="nf4", **more):
    provenance = {**META["provenance"], "quantization": quantization}
    own = {"generation_params": {"seed": n}, "timestamp": f"2026-01-01T00:00:{n % 60:02}+00:00", "run_id": "r", "record_index": n}
    return json.dumps({"text": f"{n} {'x' * (n % 90)}", "metadata": {"provenance": provenance, **own}, **more})


@pytest.fixture
def settled(monkeypatch):
    """No file is too young or too small to be remembered."""
    monkeypatch.setattr(files, "SETTLED", -1e9)
    monkeypatch.setattr(files, "CACHED_FROM", 0)


def taken(path, **options):
    ((_, found),) = take_in([Wanted(path, "x")], **options)
    return found


LINES = st.lists(st.sampled_from([line(1), line(2), line(3, "fp16"), line(70), "", "nonsense", '{"a": 1}', "é" * 30, line(4) + "\r", "[1]", '{"metadata": {}}']), max_size=40)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(LINES, st.booleans(), st.integers(1, 900), st.integers(1, 700), st.sampled_from([64 << 20, 400]))
def test_parts_of_any_size_say_what_one_pass_says(tmp_path_factory, lines, ended, size, stretch, longest):
    path = tmp_path_factory.mktemp("parts") / "x.jsonl"
    path.write_text("\n".join(lines) + ("\n" if ended and lines else ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lineage.contract.lines.MAX_LINE", longest)
        patch.setattr("lineage.contract.lines.STRETCH", min(stretch, longest))
        whole, seal = records.scan(path, "x"), index.build(path, keep=False)
        for module in (part, work):
            patch.setattr(module, "PART", size)
        found = taken(path)
    assert (found.scan, found.seal) == (whole, seal)


def test_a_part_inside_a_line_that_is_longer_than_it_has_no_lines(tmp_path, monkeypatch):
    path = tmp_path / "x.jsonl"
    path.write_text(line(1) + "\n" + json.dumps({"a": "y" * 9000}) + "\n" + line(2) + "\n")
    whole = records.scan(path, "x")
    for module in (part, work):
        monkeypatch.setattr(module, "PART", 1000)
    assert taken(path).scan == whole and taken(path).seal == index.build(path, keep=False)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of five parts, two slices in turn, and three bad lines."""
    path = tmp_path_factory.mktemp("large") / "x.jsonl"
    block = "\n".join(line(n, "nf4" if n % 1000 else "fp16", more="y" * 300) for n in range(10_000)) + "\n"
    with path.open("w") as file:
        for n in range(20):
            file.write(block)
            file.write('{"a": NaN}\n' if n in (3, 11, 19) else "")
    assert path.stat().st_size > 4 * part.PART
    time.sleep(files.SETTLED + 0.1)  # what is learnt of a younger file is not kept
    return path


@pytest.mark.slow
def test_the_results_are_the_same_bytes_whatever_the_number_of_jobs(large, monkeypatch):
    monkeypatch.setattr(intake, "WORTH", 0)
    said = []
    for jobs in (1, 2, 3):
        index.path_of(large).unlink(missing_ok=True)
        found = taken(large, jobs=jobs, recheck=True)
        said.append((found, index.path_of(large).read_bytes()))
    assert said[0] == said[1] == said[2]
    whole = records.scan(large, "x")
    assert said[0][0].scan == whole and whole.count == 200_003 and [one.line for one in whole.findings[:1]] == [40_001]


CUT_OFF = """
import sys, time
from pathlib import Path
from lineage.intake import Wanted, part, take_in
real = part.take
def slow(task, number, *rest):
    if number == 2:
        print("two parts are done", flush=True)
        time.sleep(100)
    return real(task, number, *rest)
part.take = slow
list(take_in([Wanted(Path(sys.argv[1]), "x")]))
"""


@pytest.mark.slow
def test_a_pass_that_was_killed_goes_on_where_it_was(large, monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", CUT_OFF, large], stdout=subprocess.PIPE, text=True)
    assert "two parts" in child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    read, real = [], part.take
    monkeypatch.setattr(part, "take", lambda task, number, *rest: read.append(number) or real(task, number, *rest))
    found = taken(large)
    assert read == list(range(2, -(-large.stat().st_size // part.PART)))
    assert (found.scan, found.seal) == (records.scan(large, "x"), index.build(large, keep=False))
    assert not list((files.folder() / "parts").iterdir())


@pytest.mark.slow
def test_a_recheck_believes_no_part_that_was_left(large, monkeypatch):
    with work.Work(Wanted(large, "x"), recheck=False, sidecars="none") as one:
        task = one._begun()
        part.take(task, 0)
        task.rows(0).write_bytes(b"\0" * 40)
    assert (files.folder() / "parts" / task.folder.name / "0.json").exists()
    assert taken(large, recheck=True).seal == index.build(large, keep=False)


@pytest.mark.slow
def test_a_process_that_is_killed_costs_an_error_and_what_was_read_is_kept(large, monkeypatch):
    monkeypatch.setattr(work.Work, "_not_begun", lambda self, number, task: None)  # this process reads nothing itself
    with Workers(1) as workers, work.Work(Wanted(large, "x"), recheck=False, sidecars="none") as one:
        one.submit(workers, lambda size: size and workers._all[0].kill())
        found = one.taken(lambda size: None)
        folder = one._task
    assert isinstance(found, OSError) and "has ended" in str(found) and folder is None
    read, real = [], part.take
    monkeypatch.setattr(part, "take", lambda task, number, *rest: read.append(number) or real(task, number, *rest))
    assert taken(large).seal == index.build(large, keep=False) and 0 not in read


@pytest.mark.slow
def test_a_file_that_other_processes_cannot_read_comes_with_its_error(large, tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "WORTH", 0)
    monkeypatch.setattr(work.part, "PART", work.PART)
    real = work.Work._begun
    monkeypatch.setattr(work.Work, "_begun", lambda self: replace(real(self), path=tmp_path / "gone"))
    found = taken(large, jobs=2, recheck=True)
    assert isinstance(found, FileNotFoundError) and found.filename == str(tmp_path / "gone")


@pytest.mark.slow
def test_two_passes_at_once_do_not_share_their_parts(large, monkeypatch):
    first = work.Work(Wanted(large, "x"), recheck=False, sidecars="none")
    second = work.Work(Wanted(large, "x"), recheck=False, sidecars="none")
    with first, second:
        one, other = first._begun(), second._begun()
        assert one.folder != other.folder and one.folder.parent == files.folder() / "parts"


def test_what_a_file_held_is_remembered_until_it_changes(tmp_path, monkeypatch, settled):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(line(n) for n in range(9)) + "\n")
    read, real = [], part.read
    monkeypatch.setattr(part, "read", lambda *given: read.append(1) or real(*given))
    first = taken(path)
    assert taken(path) == first and len(read) == 1 and isinstance(first, Taken)
    assert taken(path, recheck=True) == first and len(read) == 2
    assert files.digest(path) == (first.seal.sha256, first.seal.bytes)
    path.write_text(path.read_text() + line(9) + "\n")
    assert taken(path).scan.count == 10 and len(read) == 3


def test_what_was_remembered_and_spoilt_is_read_again(tmp_path, settled):
    path = tmp_path / "x.jsonl"
    path.write_text(line(1) + "\n")
    first = taken(path)
    for spoilt in (b"", b"x\n", b"[]\n", b'[{"a": 1}, "{}"]\n', b"[1, 2]\n"):
        for entry in files.folder().iterdir():
            if entry.is_file():
                entry.write_bytes(spoilt)
        assert taken(path) == first


def test_a_sidecar_is_made_where_none_is_and_one_of_other_bytes_is_left_alone_and_told(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(line(1) + "\n")
    assert taken(path).scan.findings == () and index.read(path).seal.lines == 1
    before = index.path_of(path).read_bytes()
    path.write_text(line(1) + "\n" + line(2) + "\n")
    assert [one.code for one in taken(path).scan.findings] == ["other-sidecar"] and index.path_of(path).read_bytes() == before
    index.path_of(path).unlink()
    assert taken(path, sidecars="none").scan.findings == () and not index.path_of(path).exists()
    ((_, other),) = take_in([Wanted(path, "x", sha256="0" * 64)])
    assert other.seal.lines == 2 and not index.path_of(path).exists()


def test_a_file_that_changes_while_it_is_read_is_told_and_not_remembered(tmp_path, monkeypatch, settled):
    path = tmp_path / "x.jsonl"
    path.write_text(line(1) + "\n")
    real = part.read

    def read(*given):
        done = real(*given)
        path.write_text("{}\n")
        return done

    monkeypatch.setattr(part, "read", read)
    assert "unreadable" in [one.code for one in taken(path).scan.findings] and not index.path_of(path).exists()
    monkeypatch.setattr(part, "read", real)
    assert taken(path).scan.recorded == 0


def test_a_file_that_cannot_be_read_comes_with_its_error_and_the_others_are_read(tmp_path):
    (tmp_path / "x.jsonl").write_text(line(1) + "\n")
    found = [one for _, one in take_in([Wanted(tmp_path / "gone.jsonl", "gone"), Wanted(tmp_path / "x.jsonl", "x")])]
    assert isinstance(found[0], FileNotFoundError) and found[1].scan.count == 1


def test_progress_is_told_up_to_the_end(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(line(n) for n in range(99)))
    told = []
    taken(path, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)


def test_a_slice_whose_lines_alternate_says_where_it_begins_and_ends_and_its_records_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    count = 2 * MAX_RANGES + 10
    Path("artifacts").mkdir()
    Path("artifacts/x.jsonl").write_text("".join(line(n, "fp16" if n % 2 else "nf4") + "\n" for n in range(count)))
    assert main(["export", "artifacts"]) == 0
    one, other = records.scan(Path("artifacts/x.jsonl"), "x").slices
    assert one.scattered and one.lines == ((1, count - 1),) and other.lines == ((2, count),) and one.count == other.count == count // 2
    turtle = Path("artifacts/session_unrecorded.ttl").read_text()
    assert turtle.count("lin:scattered") == 2 and len(turtle) < 20_000


def test_records_of_scattered_slices_are_told_apart_by_why_and_when_they_are_expanded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lineage.contract.slices.MAX_RANGES", 3)
    monkeypatch.setattr("lineage.recording.tally.MAX_RANGES", 3)
    with lineage.session("artifacts", export=False) as session:
        with session.generation(params={"t": 1, "seed": 1}) as run, run.records("x.jsonl") as out:
            for n in range(20):
                out.write({"n": n}, generation_params={"t": n % 2, "seed": n})
    from lineage.expansion import Expansion
    from lineage.folder import gathered

    ((placed, opened),), _ = gathered(Path("artifacts"))
    (made,) = [one for one in opened.artifacts if one.path == "x.jsonl"]
    assert [one.scattered for one in made.slices] == [True, True]
    file = lineage.RecordFile("artifacts/x.jsonl")
    assert [file.why(n).slice.metadata["generation_params"]["t"] for n in (1, 2, 19, 20)] == [0, 1, 0, 1]
    members = {}
    for batch in Expansion(placed, opened).batches():
        (membership,) = [one for one in batch.template if one.term.name == "hadMember"]
        members.setdefault(membership.args[0][-3:], []).extend(int(row[0]) for row in batch.rows)
    assert {name: sorted(lines) for name, lines in members.items()} == {"-L1": list(range(1, 20, 2)), "-L2": list(range(2, 21, 2))}


def test_the_command_line_takes_jobs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("artifacts").mkdir()
    Path("artifacts/x.jsonl").write_text(line(1) + "\n")
    assert main(["export", "artifacts", "--jobs", "2"]) == 0 and main(["verify", "artifacts/x.jsonl", "-j", "2"]) == 1
    assert main(["export", "artifacts", "--jobs", "0"]) == 2


def test_configurations_beyond_the_most_are_one_slice_in_whatever_parts_they_are_read(tmp_path, monkeypatch):
    path = tmp_path / "x.jsonl"
    some = [json.dumps({"metadata": {"run_id": f"{n % 9:032x}", "record_index": n}}) for n in range(60)]
    path.write_text("\n".join(line if n % 7 else '{"a": 1}' for n, line in enumerate(some)) + "\n")
    monkeypatch.setattr(records, "MAX_SLICES", 4)
    whole = records.scan(path, "x")
    (mixed,) = [one for one in whole.slices if one.mixed]
    (without,) = [one for one in whole.slices if not one.metadata and not one.mixed]
    assert without.count == 9 and mixed.count + sum(one.count for one in whole.slices if one.metadata) == 51
    assert mixed.lines == tuple(sorted(mixed.lines)) and all(a[1] < b[0] for a, b in zip(mixed.lines, mixed.lines[1:], strict=False))
    for module in (part, work):
        monkeypatch.setattr(module, "PART", 100)
    assert taken(path).scan == whole


def test_records_without_metadata_among_scattered_slices_are_of_no_run(tmp_path, monkeypatch):
    from lineage.expansion.rows import Rows

    monkeypatch.setattr("lineage.contract.slices.MAX_RANGES", 3)
    path = tmp_path / "x.jsonl"
    path.write_text("".join((line(n) if n % 2 else '{"a": 1}') + "\n" for n in range(20)))
    scan = taken(path).scan
    found = {}
    with path.open("rb") as file:
        reader = Rows(scan.slices)
        for stretch in stretches(file):
            for (number, _), rows in reader.of(stretch):
                found.setdefault(bool(scan.slices[number].metadata), []).extend(int(row[0]) for row in rows)
    assert found == {True: list(range(2, 21, 2)), False: list(range(1, 20, 2))}


def test_odd_times_are_no_traceback_and_sort_by_their_instants(tmp_path):
    path = tmp_path / "x.jsonl"
    times = [
        "2026-01-01T00:00:01z",
        "2026-01-01 00:00Z",
        "2026-01-01T00:00:00.5 Z",
        "2026-01-01T05:00:00.25+0500",
        "2026-01-01T00:00:00.٣+00:00",
    ]
    path.write_text("".join(json.dumps({"metadata": {**META, "timestamp": time}}) + "\n" for time in times))
    scan = taken(path).scan
    assert (scan.slices[0].first_time, scan.slices[0].last_time) == (times[1], times[0])
    assert [(one.code, one.line) for one in scan.findings] == [("bad-time", 5)]
    assert main(["verify", str(path)]) == 1


def test_no_sidecar_is_written_through_a_link(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / ".lineage").symlink_to(outside)
    (inside / "x.jsonl").write_text(line(1) + "\n")
    assert taken(inside / "x.jsonl").scan.count == 1
    assert main(["export", str(inside)]) == 0 and not list(outside.iterdir())


def test_a_name_that_leaves_no_room_for_a_sidecar_is_read_all_the_same(tmp_path):
    path = tmp_path / f"{'x' * 248}.jsonl"
    path.write_text(line(1) + "\n")
    assert taken(path).scan.count == 1 and taken(path).scan.findings == ()
    assert main(["export", str(tmp_path)]) == 0


def test_a_file_that_cannot_have_a_sidecar_is_not_read_again_either(tmp_path, monkeypatch, settled):
    (tmp_path / ".lineage").write_text("no folder")
    path = tmp_path / "x.jsonl"
    path.write_text(line(1) + "\n")
    read, real = [], part.read
    monkeypatch.setattr(part, "read", lambda *given: read.append(1) or real(*given))
    assert taken(path) == taken(path) and len(read) == 1
    (tmp_path / ".lineage").unlink()
    ((_, other),) = take_in([Wanted(path, "x", sha256="0" * 64)])
    assert other == taken(path) and not index.path_of(path).exists()


def test_a_bomb_of_newlines_leaves_no_sidecar_and_little_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "LARGE", 1 << 16)
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n" * 3_000_000))
    found = taken(path)
    assert found.seal.lines == 3_000_000 and not list((tmp_path / ".lineage").iterdir())
    monkeypatch.setattr("lineage.core.limits.UNPACKED", 1 << 20)
    monkeypatch.setattr("lineage.core.limits.RATIO", 10)
    assert [one.code for one in taken(path, recheck=True).scan.findings] == ["bad-compression"]


@pytest.mark.slow
def test_a_process_that_ends_costs_its_own_task_alone(large, tmp_path):
    with Workers(1) as workers:
        task = work.part.Task(path=large, size=large.stat().st_size, parts=5, folder=tmp_path, legacy=False, hashed=True)
        workers._all[0].kill()
        first, second = workers.submit(task, 0), workers.submit(task, 1)
        assert isinstance(first.exception(), OSError) and second.result() > 0
