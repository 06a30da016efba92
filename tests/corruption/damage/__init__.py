"""What goes wrong with vendor files: each function damages a delivery in one way, at a place drawn by the seed."""

from damage import columns, hostile_text, prices, rows, series, spelling, statements, whole_files  # each registers its damages
from damage.hits import filer, session_of, statement_of
from damage.registry import DAMAGES, Damage, Draw, Target, damaged, drawn

__all__ = [
    "DAMAGES",
    "Damage",
    "Draw",
    "Target",
    "columns",
    "damaged",
    "drawn",
    "filer",
    "hostile_text",
    "prices",
    "rows",
    "series",
    "session_of",
    "spelling",
    "statement_of",
    "statements",
    "whole_files",
]
