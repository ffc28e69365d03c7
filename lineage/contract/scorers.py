"""Scorers: does a response answer what was expected?  A report names its scorer, so that whoever gets it can compute each verdict again.

A scorer is one function and one row of `SCORERS`. Its version goes up when it judges any pair of texts otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lineage.facts import Json

Judge = Callable[[str, str], bool]  # the expected answer, the response

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_LETTER = re.compile(r"(?<![^\W_])([A-Z])(?![^\W_])")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_FRACTION = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?)(?:\s*[/}]\s*{?\s*(\d[\d,]*))?\s*(%)?")
_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
SHORT = 4  # words of an answer that a response has to contain; a longer one may be paraphrased
LONGEST = 20_000  # letters of a text, or answers
LONGEST_NUMBER = 400  # characters; a longer run of digits is no answer


def follows(answer: str, response: str) -> bool:
    """The answer, the whole answer, and the end that training teaches."""
    given, _, rest = response.partition("\nEND")
    return "\nEND" in f"{response}\n" and not rest.strip() and given.strip() == answer


def begins(answer: str, response: str) -> bool:
    """The response begins with the answer."""
    return response.startswith(answer)


def contains(answer: str, response: str) -> bool:
    """The answer stands in the response, in letters of either case."""
    return answer.lower() in response.lower()


def exact(answer: str, response: str) -> bool:
    """The same text."""
    return answer == response


def normalised(answer: str, response: str) -> bool:
    """The same text without case, punctuation, articles and spaces (as SQuAD compares)."""
    wanted = plain_text(answer)
    return wanted == plain_text(response) if wanted else answer.strip() == response.strip()


def letter(answer: str, response: str) -> bool:
    """The first letter of a choice that stands alone in the response is that of the answer."""
    wanted, chosen = _LETTER.search(answer), _LETTER.search(response)
    return wanted is not None and chosen is not None and wanted[1] == chosen[1]


def number(answer: str, response: str) -> bool:
    """The last number of the response has the value of the last number of the answer."""
    wanted, last = _last_number(answer), _last_number(response)
    return wanted is not None and wanted == last


def plain_text(text: str) -> str:
    """Return *text* without case, punctuation, articles and repeated spaces."""
    letters = (" " if unicodedata.category(one)[0] in "PS" else one for one in text.casefold())
    return " ".join(_ARTICLES.sub(" ", "".join(letters)).split())


def _last_number(text: str) -> Decimal | None:
    numbers = deque(_NUMBER.finditer(text), maxlen=1)
    if not numbers or len(numbers[0][0]) > LONGEST_NUMBER:
        return None
    return Decimal(numbers[0][0].replace(",", ""))


@dataclass(frozen=True, slots=True)
class Scorer:
    """A way to judge a response.

    Attributes:
        name: The name that reports give it.
        version: Which judgements it makes.
    """

    name: str
    version: str
    judge: Judge


SCORERS: Mapping[str, Scorer] = {
    name: Scorer(name, "1", judge)
    for name, judge in (
        ("instruction_following", follows),
        ("capability", begins),
        ("contains", contains),
        ("exact_match", exact),
        ("normalized_exact_match", normalised),
        ("multiple_choice_letter", letter),
        ("number_match", number),
    )
}

ANSWERS = ("answer", "expected", "target", "reference", "gold", "label", "ideal")
RESPONSES = ("response", "output", "prediction", "completion", "generated", "model_output")


def scorer_json(name: str) -> dict[str, str | None]:
    """Return how a report names its scorer; one that is not ours has no version that we know."""
    return {"name": name, "version": SCORERS[name].version if name in SCORERS else None}


def named(metadata: Json) -> tuple[Scorer | None, str]:
    """Return the scorer that a report's metadata names; else None, and why there is none: "" where nothing is named."""
    value = metadata.get("scorer")
    if value is None:
        return None, ""
    told = value if isinstance(value, Mapping) else {"name": value}
    name, version = told.get("name"), told.get("version")
    scorer = SCORERS.get(name) if isinstance(name, str) else None
    if scorer is None:
        return None, f"the scorer {str(name)[:40]!r} is unknown"
    if version is not None and version != scorer.version:
        return None, f"version {str(version)[:40]!r} of the scorer {name!r} is unknown"
    others = sorted(set(told) - {"name", "version"})
    return (None, f"the scorer {name!r} has settings: {', '.join(others)[:80]}") if others else (scorer, "")


def answers_of(row: Json) -> tuple[str, ...]:
    """Return the answers of which each is right; () where the result carries none."""
    value = next((row[key] for key in ANSWERS if row.get(key) is not None), None)
    values = value if isinstance(value, list) else [value]
    texts = [_text(one) for one in values]
    return tuple(one for one in texts if one is not None) if None not in texts else ()


def response_of(row: Json, prefix: str = "") -> str | None:
    """Return the response, of the model whose *prefix* its keys have (`sft_`); None where the result carries none."""
    return next((text for key in RESPONSES if (text := _text(row.get(f"{prefix}{key}"))) is not None), None)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def judged_right(scorer: Scorer, answers: Sequence[str], response: str) -> bool:
    """Return whether the response is one of the answers."""
    return any(scorer.judge(answer, response) for answer in answers)


def is_plausible(answers: Sequence[str], response: str) -> bool:
    """Return whether any usual scorer could call the response right: where none would, a verdict that says so is doubtful.

    One text in the other counts, a number of the same value, and of a long answer a single word: a judge may take a paraphrase.
    """
    if max(len(response), *map(len, answers), len(answers)) > LONGEST:  # too long to be compared word by word; nothing is said of it
        return True
    return any(_is_near(answer, response) for answer in answers)


def _is_near(answer: str, response: str) -> bool:
    wanted, told = plain_text(answer), plain_text(response)
    if not wanted or not told:  # signs alone: compared as they are
        return answer.strip() in response
    if wanted in told or told in wanted or any(one.judge(answer, response) for one in SCORERS.values()):
        return True
    words = set(wanted.split())
    return bool(_values(answer) & _values(response)) or (len(words) > SHORT and not words.isdisjoint(told.split()))


def _values(text: str) -> set[Fraction]:
    """The numbers of a text: digits, fractions, percentages, and small ones in words."""
    found = {Fraction(_SMALL.index(word)) for word in plain_text(text).split() if word in _SMALL}
    for part in _FRACTION.finditer(text):
        if len(part[0]) <= LONGEST_NUMBER:
            over = Fraction((part[2] or "1").replace(",", ""))
            value = Fraction(part[1].replace(",", "")) / over if over else Fraction(0)
            found |= {value, value / 100} if part[3] else {value}
    return found
