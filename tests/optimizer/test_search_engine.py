"""The best names of every subset, against a plain loop over subsets and names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import search_engine, search_numba
from optimizer.errors import BadPanel
from optimizer.search_engine import top_weighted
from optimizer.search_panel import Month
from optimizer.search_subsets import membership, names_of, subset_count, subset_of, with_and_without


@pytest.fixture(params=[search_engine, search_numba], ids=["numpy", "numba"], scope="module")
def top_names(request):
    """Each engine in turn."""
    return request.param.top_names


def month_of(ranks, *, sector=None, limit=None):
    ranks = np.asarray(ranks, dtype=np.uint16)
    n = len(ranks)
    return Month(
        "2020-02",
        np.arange(n, dtype=np.int32),
        ranks,
        np.ones((n, 1)),
        np.zeros(1),
        None if sector is None else np.asarray(sector, dtype=np.int32),
        None if limit is None else np.asarray(limit, dtype=np.int32),
    )


def by_plain_loop(month, chosen_factors, holdings):
    """Walk down the names by score, then by column; pass over full sectors."""
    score = month.ranks[:, chosen_factors].astype(int).sum(axis=1)
    room = None if month.sector_limit is None else month.sector_limit.copy()
    held = []
    for name in sorted(range(len(score)), key=lambda i: (-score[i], i)):
        if room is not None:
            if room[month.sector[name]] == 0:
                continue
            room[month.sector[name]] -= 1
        held.append(name)
        if len(held) == holdings:
            break
    return sorted(held)


def test_two_factors_four_names_by_hand(top_names):
    """Sums: factor a 4 3 2 1, factor b 1 3 4 2, both 5 6 6 3: the tie of the second and third goes by column, and both are in."""
    chosen = top_names(month_of([[4, 1], [3, 3], [2, 4], [1, 2]]), 2)
    assert chosen.tolist() == [[0, 1], [1, 2], [1, 2]]


def test_a_tie_at_the_last_place_goes_to_the_lowest_column(top_names):
    assert top_names(month_of([[1], [5], [3], [3], [3]]), 2).tolist() == [[1, 2]]


@pytest.mark.parametrize("factors", [1, 2, 5])
@pytest.mark.parametrize("names", [8, 61, 400])
def test_every_subset_holds_what_a_plain_loop_finds(top_names, factors, names):
    ranks = np.random.default_rng(names).integers(1, 40, (names, factors))  # many ties
    month = month_of(ranks)
    chosen = top_names(month, 7)
    table = membership(factors)
    assert len(chosen) == subset_count(factors)
    assert [row.tolist() for row in chosen] == [by_plain_loop(month, subset, 7) for subset in table]


@given(st.integers(0, 10_000), st.integers(8, 90), st.integers(1, 5), st.integers(1, 6), st.integers(2, 60))
@settings(max_examples=40, deadline=None)
def test_full_sectors_are_passed_over(top_names, seed, names, factors, holdings, levels):
    rng = np.random.default_rng(seed)
    sector = rng.integers(0, 3, names)
    limit = np.minimum(np.bincount(sector, minlength=3), rng.integers(0, 6, 3)) + np.array([0, 0, holdings])
    month = month_of(rng.integers(1, levels + 1, (names, factors)), sector=sector, limit=limit)
    if np.minimum(limit, np.bincount(sector, minlength=3)).sum() < holdings:
        with pytest.raises(BadPanel, match="sector limits admit"):
            top_names(month, holdings)
        return
    expected = [by_plain_loop(month, subset, holdings) for subset in membership(factors)]
    assert [row.tolist() for row in top_names(month, holdings)] == expected


def test_a_pool_full_of_one_sector_is_widened(top_names):
    """The 200 best names are of sector 0, of which one is allowed: the others come from far down."""
    ranks = np.arange(300, 0, -1)[:, None]
    month = month_of(ranks, sector=np.r_[np.zeros(200, int), np.ones(100, int)], limit=[1, 3])
    assert top_names(month, 4).tolist() == [[0, 200, 201, 202]]


def test_limits_that_admit_too_few_names_are_an_error_that_says_how_many(top_names):
    month = month_of(np.arange(1, 11)[:, None], sector=[0] * 10, limit=[2])
    with pytest.raises(BadPanel, match="2020-02: the sector limits admit 2 names, 3 are wanted"):
        top_names(month, 3)


@given(st.integers(0, 10_000), st.permutations(range(30)))
@settings(max_examples=20, deadline=None)
def test_without_ties_the_order_of_the_names_does_not_matter(top_names, seed, order):
    ranks = np.random.default_rng(seed).permutation(30)[:, None] + 1
    held = {order[i] for i in top_names(month_of(ranks[list(order)]), 5)[0]}
    assert held == set(top_names(month_of(ranks), 5)[0].tolist())


def test_equal_weights_of_some_factors_are_that_subset(top_names):
    month = month_of(np.random.default_rng(3).integers(1, 50, (80, 4)))
    everything = top_names(month, 9)
    assert top_weighted(month, np.array([0, 7, 7, 0]), 9).tolist() == [everything[subset_of(("b", "c"), ("a", "b", "c", "d"))].tolist()]


def test_weighted_scores_respect_sectors_too():
    month = month_of([[9], [8], [7], [6]], sector=[0, 0, 1, 1], limit=[1, 1])
    assert top_weighted(month, np.array([3]), 2).tolist() == [[0, 2]]


def test_a_subset_is_found_by_its_names_and_the_other_way_round():
    factors = ("a", "b", "c")
    for subset, row in enumerate(membership(3)):
        assert subset_of(names_of(subset, factors), factors) == subset
        assert names_of(subset, factors) == tuple(np.array(factors)[row])
    with pytest.raises(ValueError, match="empty"):
        subset_of((), factors)


def test_pairs_differ_by_the_factor_alone():
    """Of three factors, b stands beside a, beside c, and beside both: three pairs."""
    held, missing = with_and_without(1, 3)
    table = membership(3)
    assert len(held) == 3
    assert table[held][:, 1].all()
    assert not table[missing][:, 1].any()
    assert (table[held][:, [0, 2]] == table[missing][:, [0, 2]]).all()


@pytest.mark.parametrize("limits", [False, True])
def test_both_engines_hold_the_same_names_in_a_large_month(limits):
    """800 names, 9 factors of 65,535 // 9 ranks, with ties."""
    rng = np.random.default_rng(11)
    ranks = rng.integers(1, 65535 // 9 + 1, (800, 9)) // 7 * 7 + 1
    sector = rng.integers(0, 11, 800) if limits else None
    month = month_of(ranks, sector=sector, limit=[4] * 11 if limits else None)
    one, other = search_engine.top_names(month, 25), search_numba.top_names(month, 25)
    assert one.dtype == other.dtype
    assert (one == other).all()
