"""Which factors worked, and was it luck? Ten lines on a panel of your own; here one of random numbers with two true premia."""

import numpy as np

import optimizer
from optimizer.search_planted import planted_panel

panel = planted_panel(seed=4, months=180, names=300, premia=np.array([0.004, 0.003, 0, 0, 0, 0, 0, 0]))
scores, returns, months = panel.scores, panel.returns, panel.earned_in  # (months, names, factors); a month of returns each

result = optimizer.search(scores, returns, factors=panel.factors, decided_in=panel.decided_in, earned_in=months, holdings=25, cost=0.001)
evidence = optimizer.judge(result, incumbent=("factor_03", "factor_05"))

for statistic in ("trials", "effective_trials", "sortino_best", "walk_forward_best", "walk_forward_top_1_percent", "pbo", "spa_p"):
    print(f"{statistic:28} {evidence.statistics[statistic]:8.3f}")
print("found:", ", ".join(test.factor for test in evidence.tests if test.is_found) or "none")
print("the top 1 % may replace the incumbent:", "; ".join(evidence.verdicts["top_1_percent"]) or "yes")
