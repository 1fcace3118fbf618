"""Parathyroidectomy: the overactive gland is taken out, once and for good.

References
----------
Silverberg et al. 1999, N Engl J Med 341:1249, doi:10.1056/NEJM199910213411701 (ten years with and without surgery)
"""

from __future__ import annotations

from trabsim.therapy.therapy import BY_PTH_EXPOSURE, Memory, Therapy


class Parathyroidectomy(Therapy):
    """Surgery; the dose, without a unit, is the share of overactivity that it removes (1 where none is given)."""

    kind = "parathyroidectomy"
    units = {}  # noqa: RUF012
    ledger_unit = "share"
    label_dose = 1.0
    repeated = False
    sets = ("parathyroidectomy",)
    enters = BY_PTH_EXPOSURE
    evidence = "uncalibrated"
    references = ("doi:10.1056/NEJM199910213411701",)

    def advance(self, memory: Memory, absorbed: float) -> dict[str, float]:
        memory.add(self.in_body, absorbed)
        return {"parathyroidectomy": min(1.0, memory[self.in_body])}
