"""Proofs about a home, made in a scratch lake beside it: what was known when, and what would change if more had been known."""
