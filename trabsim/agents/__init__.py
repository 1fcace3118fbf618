"""Cells: one type per file."""
