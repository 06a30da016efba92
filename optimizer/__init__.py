"""Numbers only: scores, risk, portfolios, measures. Arrays in, arrays out."""
