"""Choose a backend by name; nothing heavy is imported before a name is asked for."""

from __future__ import annotations

import logging
import os

from trabsim.backends.base import Backend
from trabsim.errors import BackendError

BACKEND_NAMES = ("auto", "numpy", "cupy")

log = logging.getLogger("trabsim")


def get_backend(name: str = "auto", threads: int | None = None) -> Backend:
    """Give the array backend with this name.

    Parameters
    ----------
    name : {"auto", "numpy", "cupy"}
        ``"auto"`` takes CuPy where a CUDA device answers and NumPy otherwise, and logs its choice.
    threads : int, optional
        CPU threads of the NumPy backend (default: every core this process may use). Results do not depend
        on it.

    Returns
    -------
    Backend

    Raises
    ------
    BackendError
        Unknown name, thread count below one, or ``"cupy"`` without the CuPy package, a driver or a device.
    """
    if name not in BACKEND_NAMES:
        raise BackendError(f"unknown backend {name!r}: choose one of {', '.join(BACKEND_NAMES)}")
    if threads is not None and threads < 1:
        raise BackendError(f"threads must be 1 or more, not {threads}: leave it out to use every core")
    if name == "numpy":
        return _numpy_backend(threads)
    if name == "cupy":
        return _cupy_backend(threads)
    try:
        backend = _cupy_backend(threads)
    except BackendError as why:
        backend = _numpy_backend(threads)
        log.info("backend auto: numpy on %s, %d threads (%s)", backend.device_name, backend.threads, why)
    else:
        log.info("backend auto: cupy on %s", backend.device_name)
    return backend


def _numpy_backend(threads: int | None) -> Backend:
    from trabsim.backends.numpy_backend import NumpyBackend

    return NumpyBackend(threads)


def _cupy_backend(threads: int | None) -> Backend:
    """Make the CuPy backend or say, in one line, what is missing and how to get it."""
    try:
        import cupy
    except ImportError as why:
        raise BackendError(
            'backend cupy needs the CuPy package, which is not installed: pip install "trabsim[cuda13]" '
            '(or "trabsim[cuda12]" for an older driver), or choose backend numpy'
        ) from why
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as why:  # cupy raises CUDARuntimeError, or ImportError where a CUDA library is missing
        reason = str(why).splitlines()[0] if str(why) else type(why).__name__
        raise BackendError(
            f"backend cupy found no usable CUDA driver ({reason}): install an NVIDIA driver at least as "
            "new as the CUDA version of the CuPy package, or choose backend numpy"
        ) from why
    if count < 1:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        hint = f" (CUDA_VISIBLE_DEVICES={visible!r} hides devices)" if visible is not None else ""
        raise BackendError(f"backend cupy found no CUDA device{hint}: add one or choose backend numpy")
    from trabsim.backends.cupy_backend import CupyBackend

    return CupyBackend(threads)
