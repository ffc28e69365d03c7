"""Journals of several processes, folded in the order in which things happened."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.contract import journal

OWNER = {"event": "process", "process": {"pid": 1, "boot": "b"}, "order": 0}
CHILD = {"event": "process", "process": {"pid": 2, "boot": "b"}, "order": 0}


def artifact(order, size, time):
    return {"event": "artifact", "artifact": {"file": "a.jsonl", "bytes": size, "timestamp": time}, "order": order}


def state(journals, manifest=None):
    return journal.fold(manifest or {}, journal.in_order(journals))["artifacts_generated"]


@pytest.mark.parametrize("times", [("10:00", "11:00"), ("11:00", "10:00"), ("10:00", "10:00"), (None, "09:00"), ("09:00", None)])
@pytest.mark.parametrize("owner_first", [True, False])
def test_the_later_event_wins_whatever_the_clock_says(times, owner_first):
    early, late = artifact(1, 100, times[0]), artifact(2, 200, times[1])
    journals = [[OWNER, early], [CHILD, late]] if owner_first else [[OWNER, late], [CHILD, early]]
    assert state(journals) == [late["artifact"]]
    assert state(journals[::-1]) == [late["artifact"]]
    assert state([[OWNER, early, late]]) == [late["artifact"]]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=30))
def test_any_split_into_journals_folds_as_one_process_would(steps):
    everything = [{"event": "artifact", "artifact": {"file": f"{file}"}, "order": n} for n, (_, file) in enumerate(steps, 1)]
    for n, event in enumerate(everything):
        event["artifact"]["bytes"] = n
    split = [[{**OWNER, "process": {"pid": pid, "boot": "b"}}] for pid in range(3)]
    for (pid, _), event in zip(steps, everything, strict=True):
        split[pid].append(event)
    random.Random(len(steps)).shuffle(split)
    assert sorted(state(split), key=str) == sorted(state([everything]), key=str)


@given(st.lists(st.integers(0, 3), max_size=20))
def test_folding_twice_is_folding_once(files):
    events = [OWNER, *({"event": "artifact", "artifact": {"file": str(file), "bytes": n}, "order": n} for n, file in enumerate(files, 1))]
    once = journal.fold({}, journal.in_order([events]))
    assert journal.fold(once, journal.in_order([events])) == once


def test_the_machine_that_opened_the_session_comes_last():
    """The monotonic clocks of two machines cannot be compared."""
    owner = [{"event": "process", "process": {"pid": 1, "boot": "here"}, "order": 5}, artifact(6, 1, None)]
    opened = {"event": "session", "session": {"process": {"pid": 1, "boot": "here"}}, "order": 5}
    other = [{"event": "process", "process": {"pid": 2, "boot": "there"}, "order": 900}, artifact(901, 2, None)]
    for journals in ([[*owner, opened], other], [other, [*owner, opened]]):
        assert state(journals)[0]["bytes"] == 1
    assert state([owner, other], None)


@pytest.mark.parametrize("order", [None, "1", 1.5, True, [], -7, 10**40])
@pytest.mark.parametrize("boot", [None, [], {"a": 1}, "x", 7])
def test_an_order_or_mark_that_makes_no_sense_is_read_all_the_same(order, boot):
    strange = [{"event": "process", "process": {"boot": boot}}, {**artifact(0, 9, None), "order": order}]
    assert state([strange])[0]["bytes"] == 9
    assert len(state([[OWNER, {**artifact(1, 1, None), "artifact": {"file": "b"}}], strange])) == 2


def test_journals_from_before_there_was_an_order_keep_their_own(tmp_path):
    path = tmp_path / "session_journal_s_1.jsonl"
    events = [{key: value for key, value in artifact(0, size, None).items() if key != "order"} for size in (1, 2, 3)]
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    full, findings = journal.folded({}, [path])
    assert full["artifacts_generated"][0]["bytes"] == 3
    assert findings == []


@pytest.mark.parametrize(
    "event", [{"event": "unknown", "unknown": {}}, {"event": "session", "session": 3}, {"event": "artifact"}, {"event": "left"}]
)
def test_an_event_without_a_meaning_changes_nothing(event):
    assert journal.fold({"session_id": "s"}, [event]) == {"session_id": "s", "artifacts_generated": [], "activities": []}
