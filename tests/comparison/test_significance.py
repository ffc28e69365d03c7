"""The paired test, interval and number of items against published values and against counting all outcomes."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.comparison import significance
from lineage.comparison.significance import Paired, exact_p, interval, items_needed, p_value

counts = st.integers(0, 60)


def test_published_values_of_airway_hyper_responsiveness():
    """Bentur 2009, in Fagerland, Lydersen and Laake: exact p 0.0703; Newcombe's interval -0.507 to -0.026 (first minus second)."""
    paired = Paired(both=1, only_one=1, only_other=7, neither=12)
    low, high = interval(paired)
    assert p_value(1, 7) == 0.0703125
    assert (round(-high, 3), round(-low, 3)) == (-0.507, -0.026)
    assert not paired.is_real


@pytest.mark.parametrize("one", range(7))
@pytest.mark.parametrize("other", range(7))
def test_the_p_value_is_the_share_of_outcomes_at_least_as_unequal(one, other):
    discordant = one + other
    outcomes = [sum(flips) for flips in product((0, 1), repeat=discordant)]
    extreme = sum(abs(2 * count - discordant) >= abs(one - other) for count in outcomes)
    numerator, denominator = exact_p(one, other)
    assert numerator * len(outcomes) == extreme * denominator
    assert p_value(one, other) == pytest.approx(extreme / len(outcomes), rel=1e-15)


@given(counts, counts)
def test_the_p_value_is_symmetric_and_a_probability(one, other):
    assert p_value(one, other) == p_value(other, one)
    assert 0 < p_value(one, other) <= 1


@pytest.mark.parametrize(("fewer", "discordant"), [(0, 50), (10, 60), (400, 1000), (5000, 10_000), (9900, 20_000)])
def test_sums_of_logarithms_agree_with_integers(fewer, discordant):
    numerator, denominator = exact_p(fewer, discordant - fewer)
    assert significance._p_in_logarithms(fewer, discordant) == pytest.approx(numerator / denominator, rel=1e-8)


def test_a_million_discordant_items_take_no_time():
    assert p_value(499_000, 501_000) == pytest.approx(math.erfc(2000 / math.sqrt(2 * 1_000_000)), rel=0.01)


@given(counts, counts, counts, counts)
def test_the_interval_holds_the_difference_and_turns_with_the_sides(both, one, other, neither):
    if not both + one + other + neither:
        return
    paired = Paired(both=both, only_one=one, only_other=other, neither=neither)
    low, high = interval(paired)
    turned = interval(Paired(both=both, only_one=other, only_other=one, neither=neither))
    assert -1 <= low <= paired.difference + 1e-12
    assert paired.difference - 1e-12 <= high <= 1
    assert turned == pytest.approx((-high, -low))


def outcomes(items, shares):
    """Every table of so many items, with its probability."""
    for both in range(items + 1):
        for one in range(items - both + 1):
            for other in range(items - both - one + 1):
                cells = (both, one, other, items - both - one - other)
                logs = sum(count * math.log(share) - math.lgamma(count + 1) for count, share in zip(cells, shares, strict=True))
                yield Paired(both=both, only_one=one, only_other=other, neither=cells[3]), math.exp(math.lgamma(items + 1) + logs)


@pytest.mark.parametrize("shares", [(0.4, 0.1, 0.2, 0.3), (0.7, 0.1, 0.1, 0.1), (0.25, 0.25, 0.25, 0.25), (0.1, 0.05, 0.35, 0.5)])
def test_the_interval_covers_the_truth_in_95_of_100_cases(shares):
    covered = sum(p for paired, p in outcomes(24, shares) if interval(paired)[0] <= shares[2] - shares[1] <= interval(paired)[1])
    assert 0.93 <= covered <= 0.995


@pytest.mark.parametrize(("one", "other"), [(2, 10), (5, 15), (0, 6)])
def test_so_many_items_have_a_power_of_about_80_percent(one, other):
    paired = Paired(both=10, only_one=one, only_other=other, neither=8)
    needed = items_needed(paired)
    share = (one + other) / paired.items
    power = 0.0
    for discordant in range(needed + 1):
        weight = math.comb(needed, discordant) * share**discordant * (1 - share) ** (needed - discordant)
        tilt = other / (one + other)
        for gained in range(discordant + 1):
            if p_value(discordant - gained, gained) < 0.05:
                power += weight * math.comb(discordant, gained) * tilt**gained * (1 - tilt) ** (discordant - gained)
    assert 0.65 <= power <= 0.9


def test_no_number_of_items_settles_a_difference_that_is_none():
    assert items_needed(Paired(both=3, only_one=2, only_other=2, neither=1)) is None
