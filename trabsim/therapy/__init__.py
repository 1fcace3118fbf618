"""Therapies: doses, pharmacokinetics, and the concentrations that the rest of the model finds."""
