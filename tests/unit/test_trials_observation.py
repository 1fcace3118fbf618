"""Densitometry on top of results: precision error, least significant change, responders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from trabsim.errors import ConfigError
from trabsim.trials.observation import (
    DensitometryParams,
    least_significant_change_pct,
    observe,
    responders,
)


def table(value=0.0, patients=2000, months=(0, 12, 24), endpoint="BMD_pct_change_LS"):
    rows = [(p, "a", 1, m, endpoint, value if m else 0.0) for p in range(patients) for m in months]
    return pd.DataFrame(rows, columns=["patient", "arm", "replicate", "month", "endpoint", "value"])


def test_the_least_significant_changes_are_those_of_the_iscd():
    found = [least_significant_change_pct(f"BMD_pct_change_{site}") for site in ("LS", "TH", "FN")]
    assert np.round(found, 1).tolist() == [5.3, 5.0, 6.9]


def test_two_scans_differ_by_root_two_of_the_precision_error():
    seen = observe(table(), seed=3)
    spread = seen[seen["month"] == 12]["observed"].std()
    assert spread == pytest.approx(1.9 * np.sqrt(2.0), rel=0.05)
    # one in forty seems to gain without any change
    found = responders(seen).set_index("month")
    assert found.loc[12, "called_responder"] == pytest.approx(0.025, abs=0.012)
    assert found.loc[12, "called_without_gain"] == found.loc[12, "called_responder"]
    assert found.loc[12, "truly_beyond_LSC"] == 0.0


def test_the_scan_at_entry_is_common_to_all_later_changes():
    seen = observe(table(), seed=3)
    wide = seen.pivot(index="patient", columns="month", values="observed")
    assert np.corrcoef(wide[12], wide[24])[0, 1] == pytest.approx(0.5, abs=0.06)
    assert (wide[0] == 0.0).all()


def test_without_error_what_is_observed_is_what_is():
    exact = DensitometryParams(
        lumbar_spine_CV_fraction=0.0, total_hip_CV_fraction=0.0, femoral_neck_CV_fraction=0.0
    )
    seen = observe(table(value=6.0, patients=3), seed=1, params=exact)
    assert seen["observed"].to_numpy() == pytest.approx(seen["value"].to_numpy())
    found = responders(seen, exact)
    assert found["called_responder"].tolist() == [1.0, 1.0]


def test_errors_belong_to_scans_whatever_the_order_of_rows():
    results = table(patients=20)
    one = observe(results, seed=5)
    other = observe(results.sample(frac=0.5, random_state=1), seed=5)
    both = one.merge(other, on=["patient", "month"], suffixes=("", "_other"))
    assert len(both) == 30
    assert (both["observed"] == both["observed_other"]).all()
    assert (observe(results, seed=6)["observed"] != one["observed"]).any()


def test_responders_of_a_real_gain_are_fewer_than_those_who_gained():
    found = responders(observe(table(value=6.0), seed=2)).set_index("month")
    assert found.loc[24, "truly_beyond_LSC"] == 1.0
    assert 0.5 < found.loc[24, "called_responder"] < 0.7
    assert found.loc[24, "n"] == 2000


def test_only_densitometry_is_observed():
    both = pd.concat([table(patients=2), table(patients=2, endpoint="CTX_pct")])
    assert set(observe(both, seed=1)["endpoint"]) == {"BMD_pct_change_LS"}
    with pytest.raises(
        ConfigError, match=r"no result is seen by a densitometer; the trial needs one of BMD_pct"
    ):
        observe(table(endpoint="CTX_pct", patients=1), seed=1)
    with pytest.raises(ConfigError, match=r"the table of results lacks value; give the results of a trial"):
        observe(table(patients=1).drop(columns="value"), seed=1)
    with pytest.raises(ConfigError, match=r"no densitometer sees 'CTX_pct'; choose from BMD_pct_change_LS"):
        least_significant_change_pct("CTX_pct")
