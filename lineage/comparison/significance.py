"""Is the difference of two accuracies on the same items real? Exact test, interval, and the number of items to settle it.

Of n items, `both` are right on both sides, `only_one` and `only_other` on one side alone (the discordant items), `neither` on none.

- Test: McNemar's, exact: under equal accuracies, `only_one` is Binomial(discordant, 1/2). Q. McNemar, Psychometrika 12 (1947) 153-157.
- Interval: score interval for paired proportions, method 10 of R. G. Newcombe, Statistics in Medicine 17 (1998) 2635-2650.
- Items: R. J. Connor, Biometrics 43 (1987) 207-211, for a two-sided test at 5 % with a power of 80 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEVEL = 0.05
TEST = "exact McNemar test, two-sided"
INTERVAL = "95 % score interval for paired proportions (Newcombe 1998, method 10)"
ITEMS = "Connor 1987, two-sided 5 %, power 80 %"
EXACT_UP_TO = 20_000  # discordant items; beyond, integers of more than 20,000 bits are summed in logarithms instead
_Z = 1.959963984540054  # of the standard normal distribution, at 1 - LEVEL / 2
_Z_POWER = 0.8416212335729143  # at a power of 80 %


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """The same items, judged on two sides."""

    both: int
    only_one: int
    only_other: int
    neither: int

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.both + self.only_one + self.only_other + self.neither

    @property
    def difference(self) -> float:
        """The accuracy of the other side minus that of the first."""
        return (self.only_other - self.only_one) / self.items

    @property
    def is_real(self) -> bool:
        """Whether the test rejects equal accuracies at 5 %."""
        return p_value(self.only_one, self.only_other) < LEVEL


def p_value(only_one: int, only_other: int) -> float:
    """Return the two-sided p-value of the exact McNemar test."""
    discordant = only_one + only_other
    if discordant <= EXACT_UP_TO:
        numerator, denominator = exact_p(only_one, only_other)
        return numerator / denominator
    return _p_in_logarithms(min(only_one, only_other), discordant)


def exact_p(only_one: int, only_other: int) -> tuple[int, int]:
    """Return the same as numerator and denominator: twice the smaller tail of Binomial(discordant, 1/2), at most 1."""
    discordant, fewer = only_one + only_other, min(only_one, only_other)
    term = tail = 1
    for number in range(fewer):
        term = term * (discordant - number) // (number + 1)
        tail += term
    return min(2 * tail, 1 << discordant), 1 << discordant


def _p_in_logarithms(fewer: int, discordant: int) -> float:
    """Return the same in floating point, summed from the largest term until a term no longer counts."""
    top = math.lgamma(discordant + 1) - math.lgamma(fewer + 1) - math.lgamma(discordant - fewer + 1) - discordant * math.log(2)
    ratio = total = 1.0
    for number in range(fewer, 0, -1):
        ratio *= number / (discordant - number + 1)
        total += ratio
        if ratio < total * 1e-17:
            break
    return min(1.0, 2 * math.exp(top) * total)


def interval(paired: Paired) -> tuple[float, float]:
    """Return the limits of the 95 % interval of the difference, other minus one.

    Raises:
        ZeroDivisionError: There is no item.
    """
    count = paired.items
    one, other = (paired.both + paired.only_one) / count, (paired.both + paired.only_other) / count
    (low_one, high_one), (low_other, high_other) = (_wilson(share, count) for share in (one, other))
    correlation = _correlation(paired)
    below = _combined(other - low_other, high_one - one, correlation)
    above = _combined(high_other - other, one - low_one, correlation)
    return max(-1.0, paired.difference - below), min(1.0, paired.difference + above)


def _combined(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(0.0, first**2 - 2 * correlation * first * second + second**2))


def _wilson(share: float, count: int) -> tuple[float, float]:
    """Return the limits of Wilson's score interval of a proportion."""
    middle = 2 * count * share + _Z**2
    spread = _Z * math.sqrt(_Z**2 + 4 * count * share * (1 - share))
    return max(0.0, (middle - spread) / (2 * (count + _Z**2))), min(1.0, (middle + spread) / (2 * (count + _Z**2)))


def _correlation(paired: Paired) -> float:
    """Return Newcombe's estimate of the correlation, with his continuity correction; 0 where a margin is empty."""
    a, b, c, d = paired.both, paired.only_one, paired.only_other, paired.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if not margins:
        return 0.0
    product = a * d - b * c
    corrected = max(product - paired.items / 2, 0) if product > 0 else product
    return corrected / math.sqrt(margins)


def items_needed(paired: Paired) -> int | None:
    """Return how many items would show this difference, at the shares seen; None where the sides do not differ."""
    change = abs(paired.only_other - paired.only_one) / paired.items
    if not change:
        return None
    discordant = (paired.only_one + paired.only_other) / paired.items
    root = _Z * math.sqrt(discordant) + _Z_POWER * math.sqrt(max(0.0, discordant - change**2))
    return math.ceil(root**2 / change**2)
