"""Where the lives of a study are computed: options that its commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--workers`` and ``--scheduler`` to a command."""
    command = click.option(
        "--scheduler", metavar="ADDRESS", help="Dask scheduler that brings its own workers."
    )(command)
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Processes, one thread each. Default: this one.",
    )(command)
