"""The synthetic market: one simulated world from which vendor rows are written, with the truth kept beside it."""
