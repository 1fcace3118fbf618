"""What a trial looks at: one number of a life in a month, from the rows of measures.

Quantities are those of clinical tables (``BMD_pct_change`` with a site, ``CTX_pct`` ...), read as the scorecard reads
them, or any column of a series with how it is compared with entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import model_validator

from trabsim.spelling import suggest
from trabsim.tissue.cortex import CortexParams
from trabsim.trials.outcomes import MARKERS, QCT_SITES, SITES, SLOW, STEADY_MONTHS, density_change
from trabsim.trials.study_file import StudyTable, entry

#: Rows of one life by month.
Rows = Mapping[int, Mapping[str, float]]

#: Columns of a series that a trial can look at as they are.
COLUMNS = (
    *("BV_TV", "potential_BV_TV", "remodeling_space_BV", "BS_TV_per_mm", "BS_BV_per_mm"),
    *SLOW,
    *("ES_BS", "OS_BS", "MS_BS", "MAR_um_per_day", "Ac_f_per_year", "W_Th_um", "modeling_OS_BS"),
    *("BFR_BS_um_per_year", "BFR_BV_per_year", "BRs_R_BV_per_year", "modeling_share_of_formation"),
    *("N_Oc_BS_per_mm2", "N_Ob_BS_per_mm2", "N_Oc_TV_per_mm3", "N_Ob_TV_per_mm3", "N_Ot_BV_per_mm3"),
    *("TMD_mg_per_cm3", "TMD_SD_mg_per_cm3", "vBMD_mg_per_cm3", "TBS_like", "cortical_volume_relative"),
    *(f"{site}_{what}" for site in SITES.values() for what in ("BMD_g_per_cm2", "T_score")),
    *("T_score", "WHO_class"),
    *("estradiol_pg_per_mL", "fsh_IU_per_L", "testosterone_ng_per_dL", "igf1_relative", "pth_pg_per_mL"),
    *("hydroxyvitamin_d_ng_per_mL", "stiffness_z_MPa", "failure_load_N", "tissue_energy_MPa", "microdamage"),
    "bisphosphonate_buried_share",
)

#: Quantities of clinical tables: change in % from entry.
CLINICAL = ("BMD_pct_change", "vBMD_trab_pct_change", *MARKERS)


class Endpoint(StudyTable):
    """``[[endpoint]]``: what is looked at, where, and when."""

    quantity: str = entry("", "quantity of a clinical table, or column of a series")
    site: str | None = entry(None, "site of BMD_pct_change: LS (unless said), TH or FN")
    change: Literal["percent", "difference", "value"] | None = entry(
        None,
        "how a column is compared with entry: change in % (unless said), difference, or its value",
    )
    months: tuple[int, ...] = entry((), "months after entry")

    @model_validator(mode="after")
    def _known(self) -> Endpoint:
        if not self.quantity:
            raise ValueError("an endpoint names no quantity; write for example quantity = 'BMD_pct_change'")
        if self.quantity not in (*CLINICAL, *COLUMNS):
            raise ValueError(
                f"nothing in the model is '{self.quantity}'; {suggest(self.quantity, (*CLINICAL, *COLUMNS))}"
            )
        if self.quantity == "BMD_pct_change":
            if self.site not in (None, *SITES):
                raise ValueError(f"no densitometer looks at '{self.site}'; choose from {', '.join(SITES)}")
        elif self.site is not None and not (
            self.quantity == "vBMD_trab_pct_change" and self.site in QCT_SITES
        ):
            raise ValueError(f"{self.quantity} takes no site, got '{self.site}'; leave it out")
        if self.change is not None and self.quantity in CLINICAL:
            raise ValueError(f"{self.quantity} is a change from entry already; leave change out")
        if not self.months:
            raise ValueError(f"endpoint {self.quantity} has no months; write for example months = [6, 12]")
        if min(self.months) < 1:
            raise ValueError(
                f"endpoint {self.quantity} is looked at in month {min(self.months)}; months count from 1"
            )
        return self

    @property
    def name(self) -> str:
        """Name in the table of results: quantity, site and kind of change."""
        if self.quantity == "BMD_pct_change":
            return f"BMD_pct_change_{self.site or 'LS'}"
        if self.quantity in CLINICAL:
            return self.quantity
        return {"percent": "{}_pct_change", "difference": "{}_change", "value": "{}"}[
            self.change or "percent"
        ].format(self.quantity)

    @property
    def slow(self) -> bool:
        """Whether the microarchitecture has to be measured."""
        return self.quantity in SLOW

    @property
    def rows_needed(self) -> set[int]:
        """Months after entry whose rows are needed: density is averaged over what happens to be open."""
        back = STEADY_MONTHS if "BMD_" in self.quantity and self.quantity in CLINICAL else 1
        return {month - before for month in self.months for before in range(back) if month - before > 0}

    def value(self, rows: Rows, month: int, cortex: CortexParams | None = None) -> float:
        """Value in a month; 0 at entry for a change.

        Parameters
        ----------
        rows : mapping of int to row
        month : int
            0 or one of `months`.
        cortex : CortexParams, optional
            That the life had.

        Returns
        -------
        float
            nan where the measure is undefined.
        """
        if self.quantity in MARKERS:
            return 0.0 if month == 0 else rows[month][f"{MARKERS[self.quantity]}_pct_of_baseline"] - 100.0
        if self.quantity in CLINICAL:
            site = SITES[self.site or "LS"] if self.quantity == "BMD_pct_change" else None
            return density_change(rows, 0, month, site, cortex or CortexParams())
        now = rows[month].get(self.quantity, math.nan)
        if self.change == "value":
            return now
        first = rows[0].get(self.quantity, math.nan)
        if self.change == "difference":
            return now - first
        return 100.0 * (now / first - 1.0) if first else math.nan
