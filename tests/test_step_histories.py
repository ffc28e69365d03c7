"""Random histories of up to eight steps: every answer is held against the truth, and against the others."""

import random
from pathlib import Path

import pytest
from harder_histories import HarderHistory
from step_answers import Answers

FEW, MANY, BLOCKS = 40, 2000, 8
ASKED = 40  # one history of so many is asked the named questions: each is a process of its own


def build(seed: int, folder: Path) -> HarderHistory:
    return HarderHistory(seed, folder).build(random.Random(seed).randrange(2, 9))


@pytest.mark.parametrize("seed", range(FEW))
def test_every_answer_about_a_history_is_true(seed: int, tmp_path: Path) -> None:
    Answers(build(seed, tmp_path)).check(4, asks=seed % ASKED == 7)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(BLOCKS))
def test_every_answer_about_two_thousand_histories_is_true(block: int, tmp_path: Path) -> None:
    for seed in range(FEW + block, MANY, BLOCKS):
        Answers(build(seed, tmp_path / str(seed))).check(3, asks=seed % (3 * ASKED) == 7)


def test_two_ranks_that_train_together_give_one_adapter(tmp_path: Path) -> None:
    history = HarderHistory(3, tmp_path)
    history.generate()
    history.filter()
    history.train_in_ranks()
    history.evaluate()
    Answers(history).check()
