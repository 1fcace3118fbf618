"""Array backends, registered by name and imported only when asked for.

A backend is passed in, never global: two can live in one process.  What a backend must provide is written in
:mod:`trabsim.backends.base`, what each primitive means in :mod:`trabsim.backends.reference`.
"""

from __future__ import annotations

from trabsim.backends.base import Backend
from trabsim.backends.registry import BACKEND_NAMES, get_backend

__all__ = ["BACKEND_NAMES", "Backend", "get_backend"]
