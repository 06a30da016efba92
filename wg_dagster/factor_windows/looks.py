"""What stood at an instant: for each look at a security the newest versions of its newest periods."""

from dataclasses import dataclass

import numpy as np

NEVER = np.iinfo(np.int64).min  # an instant before all others
NO_DAY = -(2**40)  # a day so far from all others that nothing is a year apart from it
DAY = 86_400_000_000  # microseconds
_SECOND = 1_000_000
_DAYS = 2**32  # more than any date has, on both sides of 1970
_SECONDS = 2**33  # more than from 1970 to any date of ours


@dataclass(frozen=True)
class Versions:
    """Versions of periods, sorted by group (a security, or a security's quarters), period end and instant.

    The arrays of places have one element more than there are versions: place -1 is no version, known forever and long over.
    """

    order: np.ndarray  # (versions,) where each version stands in the rows it was made of
    starts: np.ndarray  # (groups + 1,) place of the first version of each group
    ends: np.ndarray  # period end in days
    known_at: np.ndarray  # microseconds
    first: np.ndarray  # place of the first version of the same period
    version_before: np.ndarray  # place before in the same group
    period_before: np.ndarray  # last place of the period before in the same group
    earliest: np.ndarray  # (versions,) the earliest instant from here to the end of the group, as _keys writes it: it never falls

    def column(self, values: np.ndarray) -> np.ndarray:
        """Values of the rows by place; NaN, False or -1 at place -1."""
        column = np.empty(len(values) + 1, values.dtype)
        np.take(values, self.order, out=column[:-1])
        column[-1] = {"f": np.nan, "b": False}.get(values.dtype.kind, -1)
        return column


def versions_of(groups: np.ndarray, ends: np.ndarray, known_at: np.ndarray, tie: np.ndarray | None = None) -> Versions:
    """Sort versions.

    Parameters
    ----------
    groups : (n,)
        Number of the group of each row, from 0.
    ends : (n,)
        Period end in days.
    known_at : (n,)
        Instant in microseconds.
    tie : (n,)
        Which of two rows of the same period and instant is newer: the larger.
    """
    order = _sorted(groups.astype(np.int64) * _DAYS + ends, (known_at,) if tie is None else (tie, known_at))
    groups, ends, known_at = groups[order], ends[order], known_at[order]
    places = np.arange(len(order))
    is_start = np.diff(groups, prepend=-1) != 0
    is_first = is_start | (np.diff(ends, prepend=0) != 0)
    start = np.maximum.accumulate(np.where(is_start, places, 0))
    first = np.maximum.accumulate(np.where(is_first, places, 0))
    counts = np.bincount(groups, minlength=1)
    return Versions(
        order=order,
        starts=np.append(0, np.cumsum(counts)),
        ends=np.append(ends.astype(np.int64), NO_DAY),
        known_at=np.append(known_at, NEVER),
        first=np.append(first, -1),
        version_before=np.append(np.where(is_start, -1, places - 1), -1),
        period_before=np.append(np.where(first == start, -1, first - 1), -1),
        earliest=np.minimum.accumulate(_keys(groups, known_at)[::-1])[::-1],
    )


def newest_first(
    versions: Versions,
    groups: np.ndarray,
    seen_at: np.ndarray,
    *,
    ends_after: np.ndarray | None = None,
    known_after: np.ndarray | None = None,
    slots: int | None = None,
) -> np.ndarray:
    """Places of the versions that stood at each look, newest period first.

    Of each period the newest version with known_at <= seen_at stands.

    Parameters
    ----------
    versions
        All that could be seen.
    groups : (looks,)
        Whose versions each look sees; a group without versions, or -1, sees none.
    seen_at : (looks,)
        Microseconds.
    ends_after : (looks,)
        Days: periods that end on it or before are out of the window.
    known_after : (looks,)
        Microseconds: periods whose standing version was known by then are out of the window.
    slots
        How many periods; default as many as the fullest window holds.

    Returns
    -------
    (slots, looks), -1 where there is no further period.
    """
    ends_after = np.full(len(seen_at), NO_DAY) if ends_after is None else ends_after
    known_after = np.full(len(seen_at), NEVER) if known_after is None else known_after
    found: list[np.ndarray] = []
    place = _newest_known(versions, groups, seen_at)
    while slots is None or len(found) < slots:
        _skip_hidden(place, versions, seen_at, known_after)
        place = np.where(versions.ends[place] > ends_after, place, -1)
        if slots is None and place.max(initial=-1) < 0:
            break
        found.append(place)
        place = versions.period_before[place]
    return np.stack(found) if found else np.empty((0, len(seen_at)), np.int64)


def months_before(instants: np.ndarray, months: int) -> np.ndarray:
    """The same time of day so many calendar months earlier, in microseconds; the 31st becomes the last day of a shorter month."""
    days = instants // DAY
    dates = days.astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    earlier = month - months
    length = ((earlier + 1).astype("datetime64[D]") - earlier.astype("datetime64[D]")).astype(np.int64)
    day_of_month = np.minimum((dates - month.astype("datetime64[D]")).astype(np.int64), length - 1)
    return (earlier.astype("datetime64[D]").astype(np.int64) + day_of_month) * DAY + (instants - days * DAY)


def is_between(days: np.ndarray, low: int, high: int) -> np.ndarray:
    """As in SQL, both ends included."""
    return (days >= low) & (days <= high)


def _sorted(periods: np.ndarray, instants: tuple[np.ndarray, ...]) -> np.ndarray:
    """Order by period, and then by the last of `instants` first. Few periods have a second version, and only those are sorted twice."""
    order = np.argsort(periods, kind="stable")
    is_same = np.diff(periods[order]) == 0
    is_tied = np.append(is_same, False) | np.append(False, is_same) if len(order) else is_same
    tied = order[is_tied]
    order[is_tied] = tied[np.lexsort((*(keys[tied] for keys in instants), periods[tied]))]
    return order


def _newest_known(versions: Versions, groups: np.ndarray, seen_at: np.ndarray) -> np.ndarray:
    """The last place of each group that was known, or one of the same second after it."""
    is_known = (groups >= 0) & (groups < len(versions.starts) - 1)
    place = np.searchsorted(versions.earliest, _keys(groups, seen_at), side="right") - 1
    return np.where(is_known & (place >= versions.starts[np.where(is_known, groups, 0)]), place, -1)


def _keys(groups: np.ndarray, instants: np.ndarray) -> np.ndarray:
    """Group and second as one number."""
    return groups.astype(np.int64) * _SECONDS + np.clip(instants // _SECOND, 0, _SECONDS - 1)


def _skip_hidden(place: np.ndarray, versions: Versions, seen_at: np.ndarray, known_after: np.ndarray) -> None:
    """Move each place back, in place, to the newest version that was known by then and is not too old."""
    looks = np.arange(len(place))
    while len(looks):
        known_at = versions.known_at[place[looks]]
        hidden = ((known_at > seen_at[looks]) | (known_at <= known_after[looks])) & (place[looks] >= 0)
        looks = looks[hidden]
        place[looks] = versions.version_before[place[looks]]
