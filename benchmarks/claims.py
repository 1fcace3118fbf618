"""Signs and shapes that must emerge from the presets, as data: what is claimed, of which presets, and how it is read.

Each claim is a number per seed (difference of two arms of one seed, or of two times of one arm) that must lie above a
bound.  Claims on one drug while it is taken are held to: they fail where the mean over seeds is below the bound, or
above it by less than its own Monte-Carlo error.  Claims on combinations, sequences and stops are predictions: they
are reported, and nothing is fitted to them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

#: Rows by month of one run.
Series = Mapping[int, Mapping[str, float]]
#: Series of presets with one seed.
Runs = Mapping[str, Series]

#: Least number of seeds on which a claim is judged.
SEEDS = 4


class Claim(NamedTuple):
    """What must emerge.

    Attributes
    ----------
    system, text : str
    presets : tuple of str
        That are run.
    value : callable
        Number of one seed from the series of its presets.
    unit : str
    above : float
        Bound that the number exceeds.
    held : bool
        Whether it must hold; otherwise it is reported.
    """

    system: str
    text: str
    presets: tuple[str, ...]
    value: Callable[[Runs], float]
    unit: str = "%"
    above: float = 0.0
    held: bool = True


def bmd(runs: Runs, name: str, end: int, start: int = 0) -> float:
    """Change of lumbar BMD from one month to another, in % of the first."""
    from trabsim.tissue.cortex import CortexParams
    from trabsim.trials.outcomes import density_change

    return density_change(runs[name], start, end, "lumbar_spine", CortexParams())


def column(runs: Runs, name: str, month: int, quantity: str) -> float:
    """A column of the series, averaged over three months against noise where they are there."""
    near = [m for m in (month - 1, month, month + 1) if m in runs[name] and (m > 0) == (month > 0)]
    return float(np.nanmean([runs[name][m].get(quantity, math.nan) for m in near]))


def marker(runs: Runs, name: str, month: int, kind: str = "CTX") -> float:
    """A marker in % of baseline."""
    return column(runs, name, month, f"{kind}_pct_of_baseline")


def kept(runs: Runs, name: str, month: int, quantity: str) -> float:
    """Change of a measure of structure since entry, in %."""
    return 100.0 * (runs[name][month][quantity] / runs[name][0][quantity] - 1.0)


CONTROL, MAN = "postmenopausal_osteoporosis", "male_hypogonadism"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "menopause",
        "fast loss around the final menstrual period, slower later: loss in year 3 above that of year 5",
        ("postmenopause",),
        lambda r: bmd(r, "postmenopause", 60, 48) - bmd(r, "postmenopause", 36, 24),
    ),
    Claim(
        "menopause",
        "trabeculae vanish rather than thin: Tb.N falls more than Tb.Th",
        ("postmenopause",),
        lambda r: kept(r, "postmenopause", 48, "Tb_Th_um") - kept(r, "postmenopause", 48, "Tb_N_per_mm"),
    ),
    Claim(
        "estrogen",
        "gain in year 1",
        (CONTROL, "estrogen_transdermal"),
        lambda r: bmd(r, "estrogen_transdermal", 12),
    ),
    Claim(
        "estrogen",
        "then hold: year 1 gains more than years 3 and 4 together",
        ("estrogen_transdermal",),
        lambda r: bmd(r, "estrogen_transdermal", 12) - bmd(r, "estrogen_transdermal", 48, 24),
    ),
    Claim(
        "estrogen",
        "loss after stopping, beyond that of those who go on (year 5)",
        ("estrogen_early", "estrogen_stopped"),
        lambda r: bmd(r, "estrogen_early", 60, 48) - bmd(r, "estrogen_stopped", 60, 48),
        held=False,
    ),
    Claim(
        "estrogen",
        "an early start keeps trabeculae: Tb.N at year 5 above that without",
        ("estrogen_early", "postmenopause"),
        lambda r: kept(r, "estrogen_early", 60, "Tb_N_per_mm") - kept(r, "postmenopause", 60, "Tb_N_per_mm"),
    ),
    Claim(
        "estrogen",
        "oral estrogen lowers IGF-1, a patch does not",
        ("estrogen_oral", "estrogen_transdermal"),
        lambda r: (
            100.0
            * (
                column(r, "estrogen_transdermal", 12, "igf1_relative")
                - column(r, "estrogen_oral", 12, "igf1_relative")
            )
        ),
    ),
    Claim(
        "SERM",
        "raloxifene gains, at two years",
        (CONTROL, "raloxifene"),
        lambda r: bmd(r, "raloxifene", 24) - bmd(r, CONTROL, 24),
    ),
    Claim(
        "SERM",
        "less than three quarters of what estrogen does",
        (CONTROL, "raloxifene", "estrogen_transdermal"),
        lambda r: (
            0.75 * (bmd(r, "estrogen_transdermal", 24) - bmd(r, CONTROL, 24))
            - (bmd(r, "raloxifene", 24) - bmd(r, CONTROL, 24))
        ),
    ),
    Claim(
        "testosterone",
        "gain in men who lack it, at two years",
        (MAN, "testosterone"),
        lambda r: bmd(r, "testosterone", 24) - bmd(r, MAN, 24),
    ),
    Claim(
        "testosterone",
        "mainly through estradiol: less than half of it with anastrozole",
        (MAN, "testosterone", "testosterone_with_anastrozole"),
        lambda r: (
            0.5 * (bmd(r, "testosterone", 24) + bmd(r, MAN, 24)) - bmd(r, "testosterone_with_anastrozole", 24)
        ),
        held=False,
    ),
    Claim(
        "anastrozole",
        "bone loss in men, at two years",
        ("male_aging", "anastrozole_in_a_man"),
        lambda r: bmd(r, "male_aging", 24) - bmd(r, "anastrozole_in_a_man", 24),
    ),
    *(
        Claim(
            "bisphosphonates",
            f"{name}: CTX falls by a third at least, at month 6",
            (name,),
            lambda r, name=name: 100.0 - marker(r, name, 6),
            above=33.0,
        )
        for name in ("alendronate", "risedronate", "zoledronate")
    ),
    Claim(
        "bisphosphonates",
        "refill: alendronate gains more in year 1 than in year 3",
        ("alendronate",),
        lambda r: bmd(r, "alendronate", 12) - bmd(r, "alendronate", 36, 24),
    ),
    Claim(
        "bisphosphonates",
        "long tail: a single infusion still lowers CTX by a fifth two years later",
        (CONTROL, "zoledronate_once"),
        lambda r: marker(r, CONTROL, 24) - marker(r, "zoledronate_once", 24),
        above=20.0,
        held=False,
    ),
    Claim(
        "denosumab",
        "deepest fall of CTX: below alendronate at month 6",
        ("denosumab", "alendronate"),
        lambda r: marker(r, "alendronate", 6) - marker(r, "denosumab", 6),
    ),
    Claim(
        "denosumab",
        "gain goes on in years 3 and 4",
        ("denosumab",),
        lambda r: bmd(r, "denosumab", 48, 24),
    ),
    Claim(
        "denosumab",
        "rebound: CTX rises above baseline once the effect has worn off (months 27 to 33)",
        ("denosumab_stopped",),
        lambda r: (
            float(np.mean([r["denosumab_stopped"][m]["CTX_pct_of_baseline"] for m in range(27, 34)])) - 100.0
        ),
        held=False,
    ),
    Claim(
        "denosumab",
        "half of the gain at least is lost within two years after the last dose has worn off",
        ("denosumab_stopped",),
        lambda r: 0.5 * bmd(r, "denosumab_stopped", 24) - bmd(r, "denosumab_stopped", 48),
        held=False,
    ),
    *(
        Claim(
            "denosumab",
            f"{name.rsplit('_', 1)[1]} given in time keeps part of the gain (month 48)",
            ("denosumab_stopped", name),
            lambda r, name=name: bmd(r, name, 48) - bmd(r, "denosumab_stopped", 48),
            held=False,
        )
        for name in ("denosumab_then_zoledronate", "denosumab_then_alendronate")
    ),
    *(
        Claim(
            "PTH analogs",
            f"{name}: P1NP rises before CTX (month 2)",
            (name,),
            lambda r, name=name: marker(r, name, 2, "P1NP") - marker(r, name, 2),
        )
        for name in ("teriparatide", "abaloparatide")
    ),
    *(
        Claim(
            "PTH analogs",
            f"{name}: gain at month 18 beyond that of calcium and vitamin D",
            ("calcium_and_vitamin_d", name),
            lambda r, name=name: bmd(r, name, 18) - bmd(r, "calcium_and_vitamin_d", 18),
            above=2.0,
        )
        for name in ("teriparatide", "abaloparatide")
    ),
    Claim(
        "PTH analogs",
        "gain lost in part after stopping (year 3)",
        ("teriparatide",),
        lambda r: -bmd(r, "teriparatide", 36, 24),
        held=False,
    ),
    Claim(
        "PTH analogs",
        "kept where zoledronate follows (month 48)",
        ("teriparatide", "teriparatide_then_zoledronate"),
        lambda r: bmd(r, "teriparatide_then_zoledronate", 48) - bmd(r, "teriparatide", 48),
        held=False,
    ),
    Claim(
        "continuous PTH",
        "catabolic: loss in a year beyond that of no treatment",
        (CONTROL, "pth_continuous"),
        lambda r: bmd(r, CONTROL, 12) - bmd(r, "pth_continuous", 12),
    ),
    Claim(
        "romosozumab",
        "P1NP peaks early and fades: month 1 above month 11",
        ("romosozumab",),
        lambda r: marker(r, "romosozumab", 2, "P1NP") - marker(r, "romosozumab", 11, "P1NP"),
    ),
    Claim(
        "romosozumab",
        "CTX below baseline in month 3",
        ("romosozumab",),
        lambda r: 100.0 - marker(r, "romosozumab", 3),
    ),
    Claim(
        "romosozumab",
        "gain at a year",
        (CONTROL, "romosozumab"),
        lambda r: bmd(r, "romosozumab", 12) - bmd(r, CONTROL, 12),
        above=4.0,
    ),
    Claim(
        "romosozumab",
        "gains less after alendronate than first",
        ("romosozumab", "alendronate_then_romosozumab"),
        lambda r: bmd(r, "romosozumab", 12) - bmd(r, "alendronate_then_romosozumab", 36, 24),
        held=False,
    ),
    Claim(
        "growth hormone",
        "markers of both sides rise (the lesser of CTX and P1NP, month 12)",
        ("growth_hormone_deficiency", "growth_hormone_deficiency_treated"),
        lambda r: min(
            marker(r, "growth_hormone_deficiency_treated", 12, kind)
            - marker(r, "growth_hormone_deficiency", 12, kind)
            for kind in ("CTX", "P1NP")
        ),
    ),
    Claim(
        "growth hormone",
        "density dips below entry in the first year",
        ("growth_hormone_deficiency_treated",),
        lambda r: -min(bmd(r, "growth_hormone_deficiency_treated", m) for m in (3, 6, 9, 12)),
    ),
    Claim(
        "growth hormone",
        "and gains by month 36",
        ("growth_hormone_deficiency", "growth_hormone_deficiency_treated"),
        lambda r: bmd(r, "growth_hormone_deficiency_treated", 36) - bmd(r, "growth_hormone_deficiency", 36),
    ),
    Claim(
        "growth hormone",
        "estrogen by patch tempers the resorption that it brings (CTX, month 12)",
        ("growth_hormone", "gh_with_transdermal_estrogen"),
        lambda r: marker(r, "growth_hormone", 12) - marker(r, "gh_with_transdermal_estrogen", 12),
        held=False,
    ),
    Claim(
        "growth hormone",
        "testosterone restored first makes it more anabolic (months 12 to 48)",
        ("testosterone_before_gh", "gh_without_testosterone", "hypopituitarism"),
        lambda r: bmd(r, "testosterone_before_gh", 48, 12) - bmd(r, "gh_without_testosterone", 48, 12),
        held=False,
    ),
    Claim(
        "glucocorticoids",
        "loss in the first year beyond that of no treatment",
        (CONTROL, "glucocorticoids"),
        lambda r: bmd(r, CONTROL, 12) - bmd(r, "glucocorticoids", 12),
    ),
    Claim(
        "glucocorticoids",
        "slower later: year 1 loses more than year 3",
        ("glucocorticoids",),
        lambda r: bmd(r, "glucocorticoids", 36, 24) - bmd(r, "glucocorticoids", 12),
    ),
    Claim(
        "calcium and vitamin D",
        "small gain over no treatment in the first year, at most 2 points",
        (CONTROL, "calcium_and_vitamin_d"),
        lambda r: 1.0 - abs(bmd(r, "calcium_and_vitamin_d", 12) - bmd(r, CONTROL, 12) - 1.0),
    ),
    Claim(
        "exercise",
        "slows the loss (year 4)",
        (CONTROL, "exercise"),
        lambda r: bmd(r, "exercise", 48) - bmd(r, CONTROL, 48),
    ),
    Claim(
        "bed rest",
        "three months cost bone",
        ("bed_rest",),
        lambda r: bmd(r, "bed_rest", 12) - bmd(r, "bed_rest", 16),
    ),
    Claim(
        "formation",
        "hormone therapy leaves more P1NP than alendronate (month 24)",
        ("estrogen_transdermal", "alendronate"),
        lambda r: marker(r, "estrogen_transdermal", 24, "P1NP") - marker(r, "alendronate", 24, "P1NP"),
    ),
    Claim(
        "sequences",
        "teriparatide first beats zoledronate first (month 48)",
        ("teriparatide_then_zoledronate", "zoledronate_then_teriparatide"),
        lambda r: bmd(r, "teriparatide_then_zoledronate", 48) - bmd(r, "zoledronate_then_teriparatide", 48),
        held=False,
    ),
    Claim(
        "sequences",
        "teriparatide first beats denosumab first (month 48)",
        ("teriparatide_then_denosumab", "denosumab_then_teriparatide"),
        lambda r: bmd(r, "teriparatide_then_denosumab", 48) - bmd(r, "denosumab_then_teriparatide", 48),
        held=False,
    ),
    Claim(
        "combinations",
        "estrogen with alendronate beats the better of either (month 24)",
        ("estrogen_with_alendronate", "estrogen_transdermal", "alendronate"),
        lambda r: (
            bmd(r, "estrogen_with_alendronate", 24)
            - max(bmd(r, "estrogen_transdermal", 24), bmd(r, "alendronate", 24))
        ),
        held=False,
    ),
    Claim(
        "combinations",
        "by less than the sum (month 24)",
        (CONTROL, "estrogen_with_alendronate", "estrogen_transdermal", "alendronate"),
        lambda r: (
            bmd(r, "estrogen_transdermal", 24)
            + bmd(r, "alendronate", 24)
            - bmd(r, CONTROL, 24)
            - bmd(r, "estrogen_with_alendronate", 24)
        ),
        held=False,
    ),
    Claim(
        "combinations",
        "and has the lowest CTX (month 12)",
        ("estrogen_with_alendronate", "estrogen_transdermal", "alendronate"),
        lambda r: (
            min(marker(r, "estrogen_transdermal", 12), marker(r, "alendronate", 12))
            - marker(r, "estrogen_with_alendronate", 12)
        ),
        held=False,
    ),
)


class Finding(NamedTuple):
    """What runs say of a claim."""

    mean: float
    error: float
    seeds: int

    def holds(self, claim: Claim) -> bool:
        """Whether the mean lies above the bound by more than its own error."""
        return self.mean - claim.above > (0.0 if math.isnan(self.error) else self.error)


def judge(claim: Claim, runs: Mapping[int, Runs]) -> Finding | None:
    """Number of a claim over seeds; None where no seed has all presets.

    Parameters
    ----------
    claim : Claim
    runs : mapping of int to mapping
        Series of presets by seed.
    """
    values = [claim.value(of_seed) for of_seed in runs.values() if set(claim.presets) <= set(of_seed)]
    if not values:
        return None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Finding(float(np.mean(values)), error, len(values))


def table_of(runs: Mapping[int, Runs], claims: Sequence[Claim] = CLAIMS) -> list[str]:
    """Lines of a Markdown table, one per claim."""
    lines = [
        "| system | what must emerge | found | wanted | | seeds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for claim in claims:
        found = judge(claim, runs)
        if found is None:
            continue
        word: Any = "holds" if found.holds(claim) else "**does not hold**"
        if not claim.held:
            word = f"{word} (prediction)"
        lines.append(
            f"| {claim.system} | {claim.text} | {found.mean:+.1f} ± {found.error:.1f} {claim.unit} "
            f"| > {claim.above:g} | {word} | {found.seeds} |"
        )
    return lines


def presets_of(claims: Sequence[Claim] = CLAIMS) -> list[str]:
    """Names of the presets that claims need."""
    return sorted({name for claim in claims for name in claim.presets})
