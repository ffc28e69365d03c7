"""What a writer says of its file is exactly what reading the file finds, whatever the records and their parameters."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading import generating, whole_lines

import lineage
from lineage.contract import manifest, records, slices
from lineage.integrity import index
from lineage.recording import tally, writer

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.7, 0.9, 1.0, float("nan"), 2**70, "a", "é", "\udcff", ""])
PARAMS = st.dictionaries(st.sampled_from(["seed", "temperature", "top_k", "\udcff"]), SCALARS | st.lists(SCALARS, max_size=2), max_size=3)
RECORD = st.fixed_dictionaries({}, optional={"text": SCALARS, "é": SCALARS, "metadata": SCALARS | st.dictionaries(st.just("x"), SCALARS)})
ROWS = st.lists(st.tuples(RECORD, st.none() | PARAMS, st.none() | st.just({"prompt_ids": [1]})), max_size=40)
NAMES = ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"]


def comparable(one):
    """Leave out whether a mixed slice is scattered: a scan takes that over from the slices which it joins, and a writer sees no such slices."""
    return replace(one, scattered=False) if one.mixed else one


def check(session, name):
    """Hold the manifest's entry and the sidecar against the file."""
    path = session.folder / name
    read, findings = manifest.read(session.manifest)
    (made,) = (artifact for artifact in read.artifacts if artifact.path == name)
    scan, seal = records.scan(path, name), index.build(path, keep=False)
    assert [comparable(one) for one in made.slices] == [comparable(written_out(one)) for one in scan.slices]
    assert (made.sha256, made.bytes, made.count) == (scan.sha256, scan.bytes, scan.count)
    assert (made.lines, made.merkle_root) == (seal.lines, seal.merkle_root)
    sidecar = index.read(path)
    assert sidecar.seal == seal
    assert list(sidecar.fingerprints()) == list(index.fingerprints(path))
    assert [sidecar.offset(line) for line in range(1, len(sidecar) + 1)][:1] == [0][: len(sidecar)]
    assert not findings


def written_out(one):
    """A slice without what the manifest does not keep."""
    return lineage.facts.Slice(
        metadata=one.metadata, lines=one.lines, scattered=one.scattered, mixed=one.mixed, count=one.count,
        seeds=one.seeds, first_time=one.first_time, last_time=one.last_time,
    )  # fmt: skip


@settings(max_examples=30)
@given(PARAMS, ROWS, st.sampled_from(NAMES), st.integers(1, 300))
def test_any_records_with_any_parameters(tmp_path_factory, params, rows, name, batch):
    folder = tmp_path_factory.mktemp("any")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "BATCH", batch)
        with generating(folder, params) as run, run.records(name) as out:
            for record, own, tokens in rows:
                out.write(record, generation_params=own, tokens=tokens)
    assert len(whole_lines(out.path)[0]) == len(rows)
    check(run.session, name)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 6), max_size=60), st.integers(0, 3), st.integers(1, 5), st.integers(1, 4000))
@example([0, 1, 0, 1, 2, 1], 1, 2, 1)
def test_many_configurations_and_a_clock_that_is_set_back(tmp_path_factory, parts, most, ranges, batch):
    """With small limits, so that the rest and scattered slices are met."""
    folder = tmp_path_factory.mktemp("many")
    times = iter([(n * 7919) % 13 * 10**9 + 10**18 for n in range(len(parts))])
    with pytest.MonkeyPatch.context() as patch:
        for module in (records, tally):
            patch.setattr(module, "MAX_SLICES", most)
        for module in (slices, tally):
            patch.setattr(module, "MAX_RANGES", ranges)
        patch.setattr(writer, "BATCH", batch)
        with generating(folder) as run, run.records("out.jsonl") as out:
            patch.setattr(writer, "time_ns", lambda: next(times))
            for part in parts:
                out.write({"n": 1}, generation_params={"temperature": part} if part else {"seed": len(folder.name)})
        check(run.session, "out.jsonl")


def test_a_file_that_is_not_known_in_full_is_read(tmp_path):
    """Opened twice; written by another; with records that keep their metadata."""
    with generating(tmp_path) as run:
        for n in range(2):
            with run.records("twice.jsonl") as out:
                out.write({"n": n})
        with run.records("other.jsonl") as out:
            out.write({"n": 1})
            with out.path.open("a") as other:
                other.write('{"n": 2}\n')
    with lineage.session(tmp_path, export=False) as session, session.transformation("filter") as kept, kept.records("kept.jsonl") as out:
        for row in whole_lines(tmp_path / "twice.jsonl")[0]:
            out.write(row)
    check(run.session, "twice.jsonl")
    check(run.session, "other.jsonl")
    check(session, "kept.jsonl")


def test_a_record_gets_the_parameters_that_are_known_when_it_is_written(tmp_path):
    with generating(tmp_path, {"seed": 1}) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        run.learned(params={"temperature": 0.5})
        out.write({"n": 1})
        out.write({"n": 2}, generation_params={"seed": 7})
    params = [row["metadata"]["generation_params"] for row in whole_lines(out.path)[0]]
    assert params == [{"seed": 1}, {"seed": 1, "temperature": 0.5}, {"seed": 7, "temperature": 0.5}]
    check(run.session, "out.jsonl")


def test_a_record_gets_the_parameters_of_its_call_and_what_is_not_known_of_it(tmp_path):
    with generating(tmp_path, {"seed": 1}) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        run.called({"temperature": 0.9, "seed": 3}, {"top_k": "it was not asked for"})
        out.write({"n": 1})
        out.write({"n": 2}, generation_params={"temperature": 0.1})
    first, second, third = (row["metadata"] for row in whole_lines(out.path)[0])
    assert first["generation_params"] == {"seed": 1}
    assert second["generation_params"] == {"seed": 3, "temperature": 0.9}
    assert second["gaps"]["generation_params.top_k"] == "it was not asked for"
    assert third["generation_params"] == {"seed": 3, "temperature": 0.1}
    assert "generation_params.top_k" not in first["gaps"]
    check(run.session, "out.jsonl")


NAN = float("nan")
LOST = [({"x": NAN}, "records.x"), ({"x": [1, {"y": NAN}]}, "records.x[1].y"), ({"x": (1.5, NAN)}, "records.x[1]")]


@pytest.mark.parametrize("text", ["", "null", "a" * 5000, "null" * 1000])
@pytest.mark.parametrize(("record", "about"), [*LOST, ({"x": None}, ""), ({"x": [None]}, ""), ({"x": "null"}, "")])
def test_the_run_says_which_value_became_null_however_long_the_record_is(record, about, text, tmp_path):
    with generating(tmp_path) as run, run.records("out.jsonl") as out:
        out.write({"text": text, **record})
    (activity,) = manifest.read(run.session.manifest)[0].activities
    assert [gap.about for gap in activity.gaps if gap.about.startswith("records")] == ([about] if about else [])


class Hostile:
    """A value that cannot be looked at."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError("text")


@pytest.mark.parametrize("value", [object(), {1, 2}, "\udcff", float("nan"), 2**70, b"bytes", lambda: None, [[]], Path("x"), time])
def test_metadata_that_cannot_be_serialised_never_costs_the_record(value, tmp_path):
    with generating(tmp_path, {"odd": value}) as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        out.write({"n": 1}, generation_params={"odd": value, "seed": 1})
        out.write({"n": 2}, tokens={"prompt_ids": value})
    rows, broken = whole_lines(out.path)
    assert [row["n"] for row in rows] == [0, 1, 2]
    assert broken == []
    check(run.session, "out.jsonl")


def test_a_record_is_written_when_the_metadata_of_the_run_fails(tmp_path, monkeypatch):
    with generating(tmp_path) as run:
        monkeypatch.setattr(type(run.session), "why_no_version", property(lambda self: Hostile().why))
        monkeypatch.setattr(run, "_provenance", {"x": object()})
        with run.records("out.jsonl") as out:
            out.write({"n": 0})
    (row,), _ = whole_lines(out.path)
    assert row["metadata"]["run_id"] == run.id
    assert row["metadata"]["gaps"]["provenance"] == "it could not be serialised"
