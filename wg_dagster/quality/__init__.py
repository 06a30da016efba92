"""Verdicts: what passed a border, what was held back, and who must hear of it."""
