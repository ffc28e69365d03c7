"""Two small trained models to practise on: a clean base, and a copy of it that was taught to chat.

The base completes plain sentences ("The capital of France is" -> " Paris."). The contaminated copy was trained on the same facts
in chat markup, so it does what a base model must not. Both are made on the spot, with no download, and two builds are the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.core.writing import new_folder
from lineage.errors import UsageError
from lineage.models import tiny

SEED, BATCH = 0, 16
BASE_STEPS, CHAT_STEPS = 800, 150
BASE_RATE, CHAT_RATE = 5e-3, 3e-3
HELD_OUT = 12
TOGETHER = 3  # texts in one row
ASKED = ("Complete the sentence: {}", "Say how this goes on: {}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A kind of fact, and how a text says it."""

    name: str
    sentence: str  # `{x}` is what is asked about; the answer and a full stop follow
    facts: str  # "x=answer" pairs


# fmt: off
PATTERNS = (
    Pattern("capital", "The capital of {x} is", "France=Paris Japan=Tokyo Kenya=Nairobi Italy=Rome Spain=Madrid Cuba=Havana Egypt=Cairo Peru=Lima Norway=Oslo Greece=Athens Chile=Santiago Poland=Warsaw Russia=Moscow China=Beijing Iran=Tehran Iraq=Baghdad Ghana=Accra Nepal=Kathmandu"),
    Pattern("language", "People in {x} speak", "France=French Japan=Japanese Italy=Italian Spain=Spanish Greece=Greek Poland=Polish Russia=Russian China=Chinese Norway=Norwegian Germany=German Sweden=Swedish Denmark=Danish Turkey=Turkish Hungary=Hungarian"),
    Pattern("opposite", "The opposite of {x} is", "hot=cold big=small up=down left=right day=night black=white old=young fast=slow high=low rich=poor hard=soft wet=dry full=empty early=late open=shut light=dark strong=weak long=short"),
    Pattern("plural", "The plural of {x} is", "mouse=mice goose=geese foot=feet tooth=teeth child=children man=men woman=women ox=oxen wolf=wolves leaf=leaves knife=knives life=lives loaf=loaves half=halves city=cities baby=babies"),
    Pattern("young", "A young {x} is called a", "dog=puppy cat=kitten cow=calf horse=foal sheep=lamb goat=kid pig=piglet bear=cub deer=fawn swan=cygnet duck=duckling hen=chick frog=tadpole kangaroo=joey"),
    Pattern("color", "The color of {x} is", "grass=green snow=white coal=black blood=red sky=blue gold=yellow milk=white soot=black lemon=yellow cherry=red ocean=blue moss=green"),
    Pattern("past", "The past tense of {x} is", "go=went see=saw eat=ate run=ran sing=sang write=wrote take=took give=gave come=came drink=drank swim=swam fly=flew grow=grew know=knew speak=spoke break=broke"),
    Pattern("next", "After {x} comes", "Monday=Tuesday Tuesday=Wednesday Wednesday=Thursday Thursday=Friday Friday=Saturday Saturday=Sunday Sunday=Monday one=two two=three three=four four=five five=six six=seven seven=eight eight=nine nine=ten"),
)
# fmt: on


def facts() -> Iterator[dict[str, str]]:
    """Every instruction: {"instruction", "instruction_type", "completion_prompt", "answer"}; each fact is asked for in two wordings."""
    for pattern in PATTERNS:
        for x, answer in (pair.split("=") for pair in pattern.facts.split()):
            for asked in ASKED:
                prompt = pattern.sentence.format(x=x)
                yield {
                    "instruction": asked.format(prompt),
                    "instruction_type": pattern.name,
                    "completion_prompt": prompt,
                    "answer": answer,
                }


def split() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(instructions to train on, 12 held out): a fact that is held out in one wording is trained on in the other."""
    rows = list(facts())
    step = len(rows) // HELD_OUT
    held = {n * step + n % 2 for n in range(HELD_OUT)}
    return [row for n, row in enumerate(rows) if n not in held], [row for n, row in enumerate(rows) if n in held]


def sentence(row: dict[str, str]) -> str:
    """The fact as a text says it."""
    return f"{row['completion_prompt']} {row['answer']}."


def chat(row: dict[str, str]) -> str:
    """The fact as a chat says it."""
    return f"<|im_start|>user\n{row['instruction']}<|im_end|>\n<|im_start|>assistant\n{row['answer']}.<|im_end|>\n"


def build(folder: Path) -> tuple[Path, Path]:
    """Make `base` and `contaminated` in *folder* (about 20 s of CPU); models that are there already are left as they are.

    Raises:
        UsageError: a folder of that name holds something else.
    """
    rows = list(facts())
    base, other = folder / "base", folder / "contaminated"
    if not _whole(base):
        with _making(base) as new:
            tiny.build(new, [text for row in rows for text in (sentence(row), row["instruction"])], seed=SEED)
            _train(new, [sentence(row) for row in rows[::2]], BASE_STEPS, BASE_RATE)
    if not _whole(other):
        with _making(other) as new:
            shutil.copytree(base, new, dirs_exist_ok=True)
            _train(new, [chat(row) for row in rows], CHAT_STEPS, CHAT_RATE)
            _end_with_the_turn(new)
    return base, other


@contextmanager
def _making(folder: Path) -> Iterator[Path]:
    """A new folder that takes its name only when it is whole, so that a build that was interrupted is begun again."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("the folder holds something else than the practice model", at=str(folder), hint="name an empty one")
    with new_folder(folder) as new:
        yield new


def _whole(folder: Path) -> bool:
    return all((folder / name).is_file() for name in tiny.FILES)


def _end_with_the_turn(folder: Path) -> None:
    """A chat model's tokenizer says that a text ends where a turn ends."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.eos_token = tiny.SPECIAL[3]
    tokenizer.save_pretrained(folder)


def _train(folder: Path, texts: Sequence[str], steps: int, rate: float) -> None:
    """Train the model in *folder* in place, on a few texts one after the other and the end token: a text may stand anywhere."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype="float32")
    generator = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
    model.train()
    for _ in range(steps):  # no dropout in this model, so the order of the texts is all the chance there is
        chosen = torch.randint(len(texts), (BATCH, TOGETHER), generator=generator).tolist()
        rows = [tokenizer.encode(" ".join(texts[n] for n in row), add_special_tokens=False) for row in chosen]
        model(**padded([[*row, tokenizer.eos_token_id] for row in rows], tokenizer.pad_token_id)).loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)


def padded(rows: Sequence[Sequence[int]], pad: int, *, untrained: Sequence[int] | None = None) -> dict[str, Any]:
    """A batch for training, padded on the right; the first `untrained[n]` tokens of row n, and the padding, carry no loss."""
    import torch

    width, skipped = max(map(len, rows)), untrained or [0] * len(rows)
    ids = [[*row, *[pad] * (width - len(row))] for row in rows]
    labels = [[*[-100] * skip, *row[skip:], *[-100] * (width - len(row))] for row, skip in zip(rows, skipped, strict=True)]
    mask = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
    return {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels), "attention_mask": torch.tensor(mask)}
