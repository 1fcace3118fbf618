"""``python -m trabsim`` is the command line."""

from __future__ import annotations

from trabsim.cli import main

main(prog_name="trabsim")
