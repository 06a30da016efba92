"""A first portfolio in ten lines: 300 made-up companies, two years of daily returns, numpy alone."""

import numpy as np

import optimizer
from optimizer.cross_section import design
from optimizer.scoring import expected_returns

rng = np.random.default_rng(7)
names = [f"company-{i:03d}" for i in range(300)]
sector, caps, score = rng.integers(0, 8, 300), np.exp(rng.normal(23, 1.2, 300)), rng.standard_normal(300)
market, own = rng.normal(0, 0.01, 500), rng.normal(0, 0.02, (300, 500))
returns = rng.uniform(0.6, 1.4, (300, 1)) * market + rng.normal(0, 0.005, (8, 500))[sector] + own

model = optimizer.fit_risk_model(returns, design(sector, score[:, None], caps, tuple("ABCDEFGH"), ("score",)))
mu = expected_returns(
    score,
    model.betas(caps / caps.sum()),
    model.volatilities() / 12**0.5,
    risk_free=0.03,
    equity_premium=0.045,
    information_coefficient=0.03,
)
universe = optimizer.Universe.from_model(model, ids=names, mu=mu, sector=sector, benchmark=caps)
solution = optimizer.solve(universe, optimizer.Mandate())

print(solution.message)
for i in np.argsort(-solution.weights)[: solution.names]:
    print(f"{names[i]}  {solution.weights[i]:7.2%}")
