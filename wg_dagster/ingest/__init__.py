"""Vendor files become raw rows: one adapter a file."""
