"""trabsim: human trabecular bone, remodeled cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Simulation": "trabsim.simulation",
    "Config": "trabsim.config",
    "load_config": "trabsim.config",
    "open_run": "trabsim.runfile",
    "resume": "trabsim.simulation",
    "get_backend": "trabsim.backends",
}

__all__ = ["Config", "Simulation", "__version__", "get_backend", "load_config", "open_run", "resume"]

if TYPE_CHECKING:
    from trabsim.backends import get_backend
    from trabsim.config import Config, load_config
    from trabsim.runfile import open_run
    from trabsim.simulation import Simulation, resume


def __getattr__(name: str) -> Any:
    # imported when asked for, so that `trabsim --help` does not wait for numba
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'trabsim' has no attribute '{name}'")
