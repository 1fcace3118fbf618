"""Presets: ready-made configurations, installed as ``trabsim.configs``."""
