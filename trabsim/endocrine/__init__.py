"""Systemic hormone levels over a life."""
