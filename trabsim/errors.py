"""The errors a user can cause or meet.  The command line turns each into one line and exit code 2."""

from __future__ import annotations


class TrabsimError(Exception):
    """Base of every error that a user can mend: its text says what was wrong, the value, and what to do."""


class ConfigError(TrabsimError):
    """A configuration that cannot be run: unknown key, wrong unit, value out of range."""


class SpecimenError(TrabsimError):
    """A scan or specimen that cannot be read or used."""


class MechanicsError(TrabsimError):
    """A material, load or specimen that mechanics cannot use, or a solve that does not converge."""


class RunError(TrabsimError):
    """A run folder or checkpoint that cannot be used."""


class BackendError(TrabsimError):
    """An array backend that is not available on this machine."""


class InvariantError(TrabsimError):
    """A law of the model was broken (a ledger, a negative field, a cell out of place): a bug, never bad luck."""
