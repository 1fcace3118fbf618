"""Keys of lives: what decides a result is in them, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trabsim.errors import ConfigError
from trabsim.trials import lives
from trabsim.trials.lives import FIRST_MONTH, Life, month_days

BEFORE = {
    "run": {"seed": 2},
    "specimen": {"shape": [32, 32, 32], "seed": 2},
    "therapy": [{"kind": "calcium", "dose": 500, "unit": "mg", "every": "qd", "start_months": -12}],
}
DENOSUMAB = {"kind": "denosumab", "dose": 60, "unit": "mg", "every": "q6m"}
TREATED = Life(BEFORE, (DENOSUMAB,), (1, 2))


def test_arms_of_one_person_share_their_run_in_and_nothing_else():
    untreated = replace(TREATED, therapy=())
    assert untreated.run_in_key == TREATED.run_in_key
    assert untreated.key != TREATED.key


@pytest.mark.parametrize(
    "changed",
    [
        {"before": {**BEFORE, "run": {"seed": 3}}},
        {"before": {**BEFORE, "therapy": []}},
        {"overrides": {"activation.rate_per_mm2_per_year": 2.0}},
    ],
)
def test_whatever_changes_the_past_changes_both_keys(changed):
    other = replace(TREATED, **changed)
    assert other.run_in_key != TREATED.run_in_key
    assert other.key != TREATED.key


@pytest.mark.parametrize(
    "changed",
    [
        {"therapy": ({**DENOSUMAB, "dose": 30},)},
        {"months": (1, 2, 3)},
        {"structure_months": (2,)},
        {"overrides": {"drug.denosumab.bioavailability_fraction": 0.5}},
    ],
)
def test_what_comes_after_entry_leaves_the_run_in_alone(changed):
    other = replace(TREATED, **changed)
    assert other.run_in_key == TREATED.run_in_key
    assert other.key != TREATED.key


@pytest.mark.parametrize(
    "changed",
    [
        {"label": "another name"},
        {"overrides": {"drug.zoledronate.potency_gain": 9.0}},
        {"months": (2, 1, 0, -5)},
        {"therapy": ({**DENOSUMAB, "start_day": None},)},
        {"before": {**BEFORE, "run": {"seed": 2, "years": 9.0}}},
        {"before": {**BEFORE, "output": []}},
    ],
)
def test_what_decides_nothing_leaves_the_keys_alone(changed):
    """Parameters of a drug that is not given re-run nothing: calibrating one drug re-runs its arms alone."""
    other = replace(TREATED, **changed)
    assert (other.run_in_key, other.key) == (TREATED.run_in_key, TREATED.key)
    assert other == TREATED
    assert len({other, TREATED}) == 1


def test_the_version_and_the_layout_of_checkpoints_are_in_the_keys(monkeypatch):
    before = TREATED.key
    for name, value in (("OLDEST_SCHEMA", 99), ("ROWS_SCHEMA", 99)):
        with monkeypatch.context() as patch:
            patch.setattr(lives, name, value)
            assert replace(TREATED).key != before
    monkeypatch.setattr(lives.trabsim, "__version__", "99")
    assert replace(TREATED).key != before


def test_the_content_of_a_scan_is_in_the_keys(tmp_path):
    scan = tmp_path / "scan.npy"
    keys = set()
    for content in (b"one", b"two"):
        scan.write_bytes(content)
        lives._checksum.cache_clear()
        specimen = {"source": str(scan), "method": "mask", "scan_voxel_size_um": 40.0}
        keys.add(Life({"specimen": specimen}).run_in_key)
    assert len(keys) == 2
    scan.unlink()
    lives._checksum.cache_clear()
    with pytest.raises(ConfigError, match=r"cannot read the scan .*; correct specimen.source"):
        Life({"specimen": specimen}).key  # noqa: B018


def test_what_cannot_be_run_is_refused():
    with pytest.raises(
        ConfigError, match="month -6 lies before the rows that a run-in notes; ask for months from -5"
    ):
        replace(TREATED, months=(FIRST_MONTH - 1,)).key  # noqa: B018
    with pytest.raises(ConfigError, match="microarchitecture is measured from entry on"):
        replace(TREATED, structure_months=(-2,)).key  # noqa: B018
    early = {**DENOSUMAB, "start_months": -1}
    with pytest.raises(
        ConfigError, match=r"therapy 1 \(denosumab\) from entry on begins on day -30.* earlier drugs"
    ):
        replace(TREATED, therapy=(early,)).key  # noqa: B018


def test_months_begin_on_the_nearest_day():
    assert month_days([-1, 0, 1, 12]) == {-30: -1, 0: 0, 30: 1, 365: 12}
