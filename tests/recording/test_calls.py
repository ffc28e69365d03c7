"""A record gets the parameters of the call that made it, and never those of another call."""

import asyncio
import contextvars
import json
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import lineage
from lineage.contract import manifest
from lineage.models.hooks import recorded
from lineage.recording.calls import DIFFER, VARIED


@pytest.fixture
def run(tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.generation() as run:
        yield run


def fact(run):
    return next(one for one in manifest.read(run.session.manifest)[0].activities if one.id == run.id)


def gaps(run):
    return {gap.about: gap.reason for gap in fact(run).gaps}


def test_before_any_call_nothing_is_in_force(run):
    assert run.calls is None
    assert fact(run).params == {}


def test_each_record_after_its_call_gets_that_call(run):
    for n in range(5):
        run.called({"seed": n, "temperature": n / 10}, {})
        assert run.calls.in_force().params == {"seed": n, "temperature": n / 10}
        assert run.calls.in_force().params["seed"] == n


def test_the_same_call_is_the_same_object_so_that_a_writer_prepares_it_once(run):
    run.called({"temperature": 1.0}, {"seed": "not known"})
    first = run.calls.in_force()
    run.called({"temperature": 1.0}, {"seed": "not known"})
    assert run.calls.in_force() is first


def test_a_record_after_a_call_that_raised_is_not_taken_for_one_of_the_call_before(run):
    run.called({"top_k": 5, "seed": 1}, {})
    assert run.calls.in_force().params == {"top_k": 5, "seed": 1}
    run.failed({"top_k": 5, "seed": 2}, {})
    for _ in range(2):
        assert run.calls.in_force().params == {"top_k": 5}
        assert run.calls.in_force().gaps == {"seed": DIFFER}
    run.called({"top_k": 5, "seed": 3}, {})
    assert run.calls.in_force().params == {"top_k": 5, "seed": 3}
    assert fact(run).params == {"top_k": 5}


def test_a_call_that_is_made_again_after_it_raised_is_the_call_of_its_record(run):
    for seed in range(3):
        run.failed({"seed": seed}, {})
        run.failed({"seed": seed}, {})
        run.called({"seed": seed}, {})
        assert run.calls.in_force().params == {"seed": seed}


def test_a_first_call_that_raised_in_a_thread_gives_its_records_no_parameter_of_other_threads(run):
    run.called({"top_k": 5, "seed": 1}, {})
    found = []

    def fail():
        run.failed({"top_k": 5, "seed": 2}, {})
        found.append(run.calls.in_force())
        run.called({"top_k": 5, "seed": 3}, {})
        found.append(run.calls.in_force())

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert found[0].params == {"top_k": 5}
    assert found[0].gaps == {"seed": DIFFER}
    assert found[1].params == {"top_k": 5, "seed": 3}


def test_what_calls_in_common_have_is_compared_with_the_one_that_raised(run):
    run.called({"top_k": 5, "seed": 1}, {})
    run.called({"top_k": 5, "seed": 2}, {})
    run.failed({"top_k": 6, "seed": 3}, {})
    assert run.calls.in_force().params == {}
    assert set(run.calls.in_force().gaps) == {"top_k", "seed"}


def plain(prompt, *, seed):
    if not prompt:
        raise ValueError("no prompt")
    return prompt


async def awaited(prompt, *, seed):
    await asyncio.sleep(0)
    return plain(prompt, seed=seed)


KINDS = {"function": plain, "coroutine": awaited, "returns a coroutine": lambda prompt, *, seed: awaited(prompt, seed=seed)}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_fallback_after_an_error_of_a_wrapped_function_has_no_seed_of_another_call(kind, run):
    async def main():
        with run.records("out.jsonl") as out:
            generate = recorded(kind, run)
            for seed, prompt in ((1, "a"), (2, ""), (3, "b")):
                try:
                    answer = generate(prompt, seed=seed)
                    if asyncio.iscoroutine(answer):
                        await answer
                except ValueError:
                    assert prompt == ""
                out.write({"asked": seed})
        return out.path

    rows = [json.loads(line) for line in asyncio.run(main()).read_text().splitlines()]
    assert [(row["asked"], row["metadata"]["generation_params"].get("seed")) for row in rows] == [(1, 1), (2, None), (3, 3)]
    assert rows[1]["metadata"]["gaps"]["generation_params.seed"] == DIFFER


def test_a_record_of_an_unknown_call_has_no_value_of_the_run_in_its_place(tmp_path):
    given = {"seed": 5, "temperature": 0.5, "top_k": 7}
    with lineage.session(tmp_path, export=False) as session, session.generation(params=given) as run, run.records("out.jsonl") as out:
        run.called({"seed": 1, "temperature": 0.1}, {})
        run.called({"seed": 2, "temperature": 0.2}, {})
        out.write({"n": 0})
        out.write({"n": 1}, generation_params={"seed": 2})
    first, second = (json.loads(line)["metadata"] for line in out.path.read_text().splitlines())
    assert first["generation_params"] == {"top_k": 7}
    assert {"generation_params.seed", "generation_params.temperature"} <= set(first["gaps"])
    assert second["generation_params"] == {"top_k": 7, "seed": 2}
    assert "generation_params.seed" not in second["gaps"]
    assert fact(run).params == given


def test_two_different_calls_without_a_record_between_leave_what_they_have_in_common(run):
    run.called({"top_k": 5, "temperature": 0.1, "seed": 1}, {})
    run.called({"top_k": 5, "temperature": 0.2, "seed": 2}, {})
    for _ in range(2):
        found = run.calls.in_force()
        assert found.params == {"top_k": 5}
        assert found.gaps == {"seed": DIFFER, "temperature": DIFFER}
    run.called({"top_k": 5, "temperature": 0.3, "seed": 3}, {})
    assert run.calls.in_force().params == {"top_k": 5}


@pytest.mark.parametrize("first, second", [(1, True), (1, 1.0), (0, False), ([1], [2]), ({"a": 1}, {"a": 2}), ("x", None)])
def test_values_that_python_takes_for_equal_are_not_mixed_up(run, first, second):
    run.called({"value": first}, {})
    run.called({"value": second}, {})
    assert run.calls.in_force().params == {}


def test_equal_calls_need_no_record_between_them(run):
    for _ in range(3):
        run.called({"temperature": 0.5}, {})
    assert run.calls.in_force().params == {"temperature": 0.5}


def test_a_parameter_that_only_one_call_has_is_a_gap(run):
    run.called({"top_k": 5, "temperature": 0.1}, {})
    run.called({"top_k": 5}, {"seed": "not known"})
    found = run.calls.in_force()
    assert found.params == {"top_k": 5}
    assert found.gaps == {"temperature": DIFFER, "seed": DIFFER}


def test_a_thread_that_made_no_call_gets_what_all_calls_have_in_common(run):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: run.called({"seed": seed, "top_k": 5}, {}), range(4)))
    assert run.calls.in_force().params == {"top_k": 5}
    assert run.calls.in_force().gaps == {"seed": DIFFER}


def test_threads_that_call_and_write_keep_their_own_calls(run):
    wrong = []

    def work(seed):
        for n in range(200):
            run.called({"seed": seed * 1000 + n}, {})
            if run.calls.in_force().params != {"seed": seed * 1000 + n}:
                wrong.append((seed, n))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_tasks_of_asyncio_keep_their_own_calls_and_inherit_none(run):
    async def work(seed):
        assert run.calls.in_force().params == {"seed": 99}  # all calls so far
        await asyncio.sleep(0)
        run.called({"seed": seed}, {})
        await asyncio.sleep(0.001 * random.Random(seed).random())
        return run.calls.in_force().params

    async def main():
        run.called({"seed": 99}, {})
        return await asyncio.gather(*map(work, range(20)))

    assert asyncio.run(main()) == [{"seed": seed} for seed in range(20)]


def test_a_consumer_does_not_take_the_call_of_the_task_that_started_it(run):
    async def consume():
        await asyncio.sleep(0.01)
        return run.calls.in_force().params

    async def main():
        run.called({"seed": 1}, {})
        consumer = asyncio.create_task(consume())
        await asyncio.sleep(0)
        await asyncio.create_task(call())
        return await consumer

    async def call():
        run.called({"seed": 2}, {})

    assert asyncio.run(main()) == {}


def test_a_call_in_a_thread_of_asyncio_is_not_the_tasks_own(run):
    async def main():
        await asyncio.gather(*(asyncio.to_thread(run.called, {"seed": n, "top_k": 1}, {}) for n in range(3)))
        return run.calls.in_force().params

    assert asyncio.run(main()) == {"top_k": 1}


def test_a_copied_context_in_the_same_thread_goes_on(run):
    run.called({"seed": 1}, {})
    assert contextvars.copy_context().run(lambda: run.calls.in_force().params) == {"seed": 1}


def test_whatever_the_order_no_record_gets_a_value_of_another_call(run):
    """The record of call n is written at some time after it; what is stated of it is true, or a gap."""
    chance = random.Random(7)
    for _ in range(50):
        waiting, stated = [], []
        for n in range(chance.randrange(1, 12)):
            call = {"temperature": chance.choice([0.1, 0.2]), "top_k": 5, "seed": n}
            run.called(call, {})
            waiting.append(call)
            while waiting and chance.random() < 0.4:
                stated.append((waiting.pop(0), run.calls.in_force()))
            if chance.random() < 0.5:  # the loops of users are regular: all that waits is written
                while waiting:
                    stated.append((waiting.pop(0), run.calls.in_force()))
        for call, found in stated:
            assert found.params.items() <= call.items()
            assert call.keys() - found.params.keys() <= found.gaps.keys()


def test_the_run_states_what_its_calls_have_in_common(run):
    run.called({"top_k": 5, "temperature": 0.1}, {"logits_processor": "MyProcessor, which is not recorded"})
    assert fact(run).params == {"top_k": 5, "temperature": 0.1}
    run.called({"top_k": 5, "temperature": 0.2}, {"logits_processor": "MyProcessor, which is not recorded"})
    assert fact(run).params == {"top_k": 5}
    assert gaps(run) == {"params.temperature": VARIED, "params.logits_processor": "MyProcessor, which is not recorded"}


def test_a_given_parameter_stays_and_a_gap_says_what_was_in_force(tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.generation(params={"temperature": 0.7}) as run:
        run.called({"temperature": 0.9}, {})
        assert run.calls.in_force().params == {"temperature": 0.9}
    assert fact(run).params == {"temperature": 0.7}
    assert gaps(run) == {"params.temperature": "given as 0.7; calls were made with 0.9"}


def test_calls_with_seeds_of_their_own_add_no_event_each(run):
    journal = next(run.session.folder.glob("session_journal_*"))
    for n in range(3):
        run.called({"seed": n}, {})
    size = journal.stat().st_size
    for n in range(100):
        run.called({"seed": n}, {})
    assert journal.stat().st_size == size


def test_a_value_that_json_cannot_hold_is_a_gap(run):
    run.called({"processor": object(), "temperature": float("nan")}, {})
    assert run.calls.in_force().gaps == {"processor": "JSON cannot hold a object", "temperature": "not a finite number"}


def test_a_fork_makes_its_own_calls_and_says_nothing_for_its_parent(run):
    run.called({"seed": 1, "top_k": 5}, {})
    child = os.fork()
    if child == 0:
        twin = run.forked()
        run.called({"seed": 2, "top_k": 5}, {})
        is_right = run.calls.in_force().params["top_k"] == 5 and twin.calls is run.calls
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fact(run).params == {"seed": 1, "top_k": 5}


def test_records_are_written_with_the_parameters_of_their_call(tmp_path):
    with lineage.session(tmp_path / "artifacts", export=False) as session, session.generation() as run, run.records("out.jsonl") as out:
        out.write({"n": 0})
        for n in (1, 2):
            run.called({"seed": n, "top_k": 5}, {})
            out.write({"n": n})
        run.called({"seed": 3, "top_k": 5}, {})
        run.called({"seed": 4, "top_k": 5}, {})
        out.write({"n": 3})
        out.write({"n": 4}, generation_params={"seed": 4})
    written = [json.loads(line)["metadata"] for line in out.path.read_text().splitlines()]
    assert [row["generation_params"] for row in written] == [
        {},
        {"seed": 1, "top_k": 5},
        {"seed": 2, "top_k": 5},
        {"top_k": 5},
        {"top_k": 5, "seed": 4},
    ]
    assert written[3]["gaps"]["generation_params.seed"] == DIFFER
    assert "generation_params.seed" not in written[4].get("gaps", {})
