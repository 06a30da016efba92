"""The search for a portfolio and for the proof that hardly a better one exists, each helping the other.

Lines are added where the bound is worst, portfolios are rounded from the points where lines touch, and where whole
positions leave a gap the portfolios are parted by whether they hold one name, the one that is most in doubt.
"""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.certificate import FIRST_TRADE, TRADES, Certificate, Leaf, corner_under, counted, least_return, reached_rules, values_of_ways
from optimizer.limits import Limits
from optimizer.lines import best_line
from optimizer.polish import Position, polish
from optimizer.reach import ReachProof, reach_multipliers
from optimizer.small_trades import half_traded, whole_trades
from optimizer.support import first_supports, improve, likely_names
from optimizer.tangents import Columns, Tangent, refusal
from optimizer.terms import Terms
from optimizer.universe import Universe
from optimizer.volatility_floor import kept_form, kept_squares

ROOT_LINES = 14
NODE_LINES = 3
APART = 0.005  # slopes nearer to each other than this say the same
PATIENCE = 8  # nodes before the pace is judged
OPTIMISM = 2.0
NEARLY = 0.95
LOOKS = 5  # at how far the better portfolios reach
DOUBT = 1e-3  # a share this far from zero and one is whole
_TRADE_NAMES = {code: name for name, code in TRADES.items()}


@dataclass(frozen=True, eq=False)
class Known:
    """A line with what it says about each name, so that a part of the portfolios is bounded without solving anything."""

    tangent: Tangent
    values: tuple[float, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Node:
    """Portfolios with some names held and some not, the lines over them, their bound and where it is reached."""

    fixed: np.ndarray
    lines: tuple[Known, ...]
    bound: float
    corner: float
    is_stuck: bool = False


class Search:
    """Best portfolio so far, and the parts of the portfolios with their bounds."""

    def __init__(self, universe: Universe, terms: Terms, limits: Limits, *, inside: Limits | None, columns: Columns, target: float) -> None:
        self.universe, self.terms, self.limits, self.inside = universe, terms, limits, inside
        self.columns, self.target = columns, target
        self.best: Position | None = None
        self.tried: set[bytes] = set()
        self.leaves: list[Node] = []
        self.reach: tuple[ReachProof, ...] = ()

    @property
    def bound(self) -> float:
        """Of all portfolios."""
        bounds = [leaf.bound for leaf in self.leaves] + [proof.over for proof in self.reach[-1:]]
        return max(bounds) if self.terms.goal == "ratio" else min(bounds)

    @property
    def certificate(self) -> Certificate:
        """The proof of `bound`."""
        ids = self.universe.ids
        leaves = tuple(
            Leaf(
                tuple(ids[i] for i in np.flatnonzero(leaf.fixed > 0)),
                tuple(ids[i] for i in np.flatnonzero(leaf.fixed < 0)),
                tuple(known.tangent.line for known in leaf.lines),
                tuple((ids[i], _TRADE_NAMES[int(leaf.fixed[i])]) for i in np.flatnonzero(leaf.fixed >= FIRST_TRADE)),
            )
            for leaf in self.leaves
        )
        return Certificate(self.terms.goal, leaves, self.reach)

    def is_close(self, bound: float) -> bool:
        """Whether a bound is near enough to the best portfolio."""
        if self.best is None:
            return False
        goodness = self.best.goodness
        return bound <= goodness * (1 + self.target) if self.terms.goal == "ratio" else -goodness <= bound * (1 + self.target)

    def offer(self, support: np.ndarray, near: np.ndarray | None = None) -> None:
        """Polish the portfolio on these names, unless that was done before; with a smallest trade, traded as (n,) weights `near`."""
        key = np.sort(support).tobytes()
        if near is not None and self.limits.smallest_trade > 0:
            key += np.sign(near[np.sort(support)] - self.terms.current[np.sort(support)]).tobytes()
        if self.inside is None or key in self.tried or not self.limits.fewest <= len(support) <= self.limits.most:
            return
        self.tried.add(key)
        self.accept(polish(self.terms, self.inside, support, near=near))

    def accept(self, position: Position | None) -> None:
        """Keep the better one."""
        if position is not None and (self.best is None or position.goodness > self.best.goodness):
            self.best = position

    def exchange(self) -> None:
        """Improve the best portfolio by exchanges until the bound is near enough."""
        if self.best is not None and self.inside is not None and not self.is_close(self.bound):
            self.accept(improve(self.terms, self.inside, self.best, until=self._closes))

    def start(self, slope: float) -> None:
        """Lines over all portfolios, the first one at `slope`."""
        node = Node(np.zeros(len(self.terms.mu), dtype=np.int8), (), np.inf, 0.0)
        node = self._with_line(node, gain=0.0, slope=1.0)
        if self.terms.goal == "ratio":
            node = self._with_line(node, gain=1.0, slope=slope)
            node = self._refined(node, ROOT_LINES)
        self.leaves = [node]

    def look_nearer(self) -> None:
        """With a volatility floor: see how far portfolios better than the best one reach, and draw the lines again with that."""
        for _ in range(LOOKS):
            limits, node = self.limits, self.leaves[0]
            touched = next((known.tangent.line for known in node.lines[::-1] if known.tangent.line.gain > 0), None)
            if limits.reach is None or self.best is None or self.terms.goal != "ratio" or touched is None or self.is_close(self.bound):
                return
            over, lines = self.best.goodness, tuple(known.tangent.line for known in node.lines)
            _, turned = np.linalg.eigh(kept_form(kept_squares(touched.losses, limits.reach.days), limits.reach.white))
            axes = turned.T @ limits.reach.axes
            multipliers = reach_multipliers(
                self.terms,
                limits,
                least_return=least_return(lines, self.terms, limits, over),
                axes=axes,
                losing=touched.losses > 0,
                few=likely_names(self.universe, self.terms, limits),
            )
            self.reach = (*self.reach, ReachProof(over, lines, axes, multipliers))
            self.limits = reached_rules(self.reach[-1], self.terms, limits, over)
            self.start(touched.slope)
            self.exchange()

    def dive(self) -> None:
        """Make the relaxed portfolio whole little by little: hold what is nearly held and the likeliest doubtful name, solve again."""
        node = self.leaves[0]
        fixed, slope = node.fixed.copy(), self._usual_slope(node)
        last = -1
        for _ in range(2 * self.limits.most):
            found = best_line(self.terms, self.limits, fixed, self.columns, gain=slope[0], slope=slope[1])
            if found is None and last >= 0:  # that one made it impossible
                fixed[last], last = -1, -1
                continue
            if found is None:
                break
            doubt = np.where((fixed == 0) & (found.shares > DOUBT) & (found.shares < 1 - DOUBT), found.shares, 0.0)
            self.offer(np.flatnonzero(found.shares > 0.5))
            if not doubt.any() or self.is_close(self.bound):
                break
            fixed[found.shares > NEARLY] = 1
            last = int(np.argmax(doubt))
            fixed[last] = 1

    def branch(self, most_nodes: int) -> None:
        """Part the worst leaf in two, again and again, until the gap is closed or the nodes are used up.

        It stops early where at the pace so far the nodes would not do.
        """
        if most_nodes > 0 and not self.is_close(self.bound):
            self._forget_columns()
        start = self.bound
        for k in range(most_nodes):
            if k >= PATIENCE and self._is_too_slow(start, k, most_nodes):
                break
            worst = max(range(len(self.leaves)), key=lambda k: self._badness(self.leaves[k]))
            node = self.leaves[worst]
            if node.is_stuck or self.is_close(node.bound):
                break
            parted = self._doubtful(node)
            if parted is None:
                self.leaves[worst] = replace(node, is_stuck=True)
                continue
            name, sides = parted
            self.leaves[worst : worst + 1] = [self._refined(self._part(node, name, side), NODE_LINES) for side in sides]

    def _forget_columns(self) -> None:
        """Keep the names that some line or portfolio wanted; should another one be wanted, its price calls it back."""
        wanted = [np.flatnonzero(known.tangent.shares > DOUBT) for leaf in self.leaves for known in leaf.lines]
        if self.best is not None:
            wanted.append(self.best.support)
        self.columns.names = np.unique(np.concatenate([self.columns.names[:0], *wanted]))

    def _is_too_slow(self, start: float, nodes: int, most_nodes: int) -> bool:
        goodness = abs(self.best.goodness) if self.best is not None else 0.0
        pace, left = abs(start - self.bound) / nodes, abs(self.bound - goodness) - self.target * goodness
        return left > OPTIMISM * pace * (most_nodes - nodes)

    def _usual_slope(self, node: Node) -> tuple[float, float]:
        """Gain and slope of the line that is lowest where the bound is reached."""
        if self.terms.goal == "min_downside":
            return 0.0, 1.0
        lines = [known.tangent for known in node.lines if known.tangent.line.gain > 0]
        lowest = min(lines, key=lambda found: found.height + found.line.slope * node.corner, default=None)
        return (1.0, lowest.line.slope) if lowest is not None else (0.0, 1.0)

    def _badness(self, node: Node) -> tuple[bool, float]:
        return (not node.is_stuck, node.bound if self.terms.goal == "ratio" else -node.bound)

    def _closes(self, found: Position) -> bool:
        self.accept(found)
        return self.is_close(self.bound)

    def _part(self, node: Node, name: int, side: int) -> Node:
        fixed = node.fixed.copy()
        fixed[name] = side
        return self._bounded(fixed, node.lines)

    def _bounded(self, fixed: np.ndarray, lines: tuple[Known, ...]) -> Node:
        heights = [(known.tangent.line.gain, known.tangent.line.slope, counted(known.values, self.limits, fixed)) for known in lines]
        bound, corner = corner_under(heights, self.terms.goal, self.limits.volatility_cap)
        return Node(fixed, lines, bound, corner)

    def _with_line(self, node: Node, *, gain: float, slope: float) -> Node:
        found = best_line(self.terms, self.limits, node.fixed, self.columns, gain=gain, slope=slope)
        if found is None:
            return self._refused(node)
        for support in first_supports(found.shares * self.limits.smallest, self.universe, self.limits)[:1]:
            self.offer(support, whole_trades(found, self.terms, self.limits))
        known = Known(found, values_of_ways(found.line, self.terms, self.limits))
        return self._bounded(node.fixed, (*node.lines, known))

    def _refused(self, node: Node) -> Node:
        """A part in which no portfolio was found: closed if there is none, else stuck."""
        line = refusal(self.terms, self.limits, node.fixed, self.columns)
        if line is None:
            return replace(node, is_stuck=True)
        nobody = Tangent(line, node.fixed, 0.0, *[np.zeros(len(node.fixed))] * 2, 0.0, 0.0)
        known = Known(nobody, values_of_ways(line, self.terms, self.limits))
        return self._bounded(node.fixed, (*node.lines, known))

    def _refined(self, node: Node, most_lines: int) -> Node:
        """Add lines where the bound is reached, while that helps and is needed."""
        for _ in range(most_lines):
            if node.is_stuck or self.is_close(node.bound):
                break
            slope = self._slope_at(node)
            if slope is None:
                break
            gain = float(self.terms.goal == "ratio")
            node = self._with_line(node, gain=gain, slope=slope if gain else 1.0)
        return node

    def _slope_at(self, node: Node) -> float | None:
        """A slope between those of the two lines that meet at the corner, or beyond the last line; None if all is said there."""
        if self.terms.goal == "min_downside":
            return None if any((known.tangent.fixed == node.fixed).all() for known in node.lines) else 1.0
        lines = [
            (counted(known.values, self.limits, node.fixed) + known.tangent.line.slope * node.corner, known)
            for known in node.lines
            if known.tangent.line.gain > 0
        ]
        if not lines:
            return None
        lines.sort(key=lambda pair: pair[0])
        here = [known for value, known in lines if value <= lines[0][0] * (1 + 1e-9) + 1e-12]
        stale = [known for known in here if not (known.tangent.fixed == node.fixed).all()]
        slopes = sorted(known.tangent.line.slope for known in here)
        if len(here) >= 2:
            if slopes[-1] / slopes[0] - 1 > APART:
                return float(np.sqrt(slopes[0] * slopes[-1]))
            return stale[0].tangent.line.slope if stale else None
        if stale:
            return slopes[0]
        touch = here[0].tangent.downside
        return slopes[0] * (1.5 if node.corner < touch else 0.6)

    def _doubtful(self, node: Node) -> tuple[int, tuple[int, ...]] | None:
        """The name whose share is the farthest from whole, on the line nearest to the bound; names already decided are whole.

        Where lines that meet touch whole portfolios, a name that one of them holds and the other does not. With a
        smallest trade, a name whose trade is the farthest from any that is allowed, if it is more so.
        """
        lines = [
            (counted(known.values, self.limits, node.fixed) + known.tangent.line.slope * node.corner, known)
            for known in node.lines
            if known.tangent.line.gain > 0 or self.terms.goal != "ratio"
        ]
        lines.sort(key=lambda pair: pair[0])
        shares = [known.tangent.shares for _, known in lines[:3]]
        by_trade = half_traded(node.fixed, lines[0][1].tangent, self.terms, self.limits) if lines else None
        for mean in (*shares, *([np.mean(shares[:2], axis=0)] if len(shares) > 1 else [])):
            doubt = np.where(node.fixed == 0, np.minimum(mean, 1 - mean), 0.0)
            if doubt.max() > max(DOUBT, by_trade[0] if by_trade else 0.0):
                return int(np.argmax(doubt)), (1, -1)
            if by_trade is not None:
                break
        return None if by_trade is None else by_trade[1:]
