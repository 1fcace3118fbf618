"""Signs and shapes of every therapy, as presets show them, over four seeds.

Takes about an hour and a half on two cores.  Runs are kept in the folder that TRABSIM_CLAIMS names (one of pytest
otherwise), and go on there after a stop:

    TRABSIM_CLAIMS=claims pytest -m validate tests/validation/test_therapy_claims.py -s
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import claims
import presets

from trabsim.trials.execution import Cluster, run_lives

pytestmark = pytest.mark.validate

#: Those of the page: runs that it left in a folder are read.
SETTINGS = {"shape": [presets.SHAPE] * 3, "voxel_size_um": presets.VOXEL_SIZE_UM, "overrides": {}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Rows of all presets that claims need, by seed."""
    folder = Path(os.environ.get("TRABSIM_CLAIMS") or tmp_path_factory.mktemp("claims"))
    lives = {
        (name, seed): presets.life_of(name, seed, SETTINGS)
        for seed in range(1, claims.SEEDS + 1)
        for name in claims.presets_of()
    }
    outcomes = run_lives(lives.values(), folder, Cluster(workers=os.cpu_count() or 1))
    assert not outcomes.failures
    found: presets.Runs = {}
    for (name, seed), life in lives.items():
        found.setdefault(name, {})[seed] = outcomes.rows[life.key]
    return presets.by_seed(found)


@pytest.mark.parametrize(
    "claim", [c for c in claims.CLAIMS if c.held], ids=lambda claim: f"{claim.system}: {claim.text}"
)
def test_on_treatment_a_single_drug_shows_its_sign(claim, runs):
    """The mean over seeds lies beyond the bound by more than its Monte-Carlo error."""
    found = claims.judge(claim, runs)
    assert found.seeds >= claims.SEEDS
    assert found.holds(claim), (
        f"{found.mean:+.2f} +- {found.error:.2f} {claim.unit}, wanted above {claim.above:g}"
    )


def test_predictions_can_be_read(runs, capsys):
    """Combinations, sequences and stops are printed, whatever they say; each gives a number."""
    predicted = [claim for claim in claims.CLAIMS if not claim.held]
    lines = claims.table_of(runs, predicted)
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert len(lines) == len(predicted) + 2
