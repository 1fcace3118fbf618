"""The study files that the pages show can be used as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from trabsim.trials.calibration import CalibrationParams, target_rows
from trabsim.trials.clinical_table import read_table
from trabsim.trials.parameter_space import ParameterSpace
from trabsim.trials.sensitivity import design
from trabsim.trials.sensitivity_params import SensitivityParams
from trabsim.trials.study_file import read_study

PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"
TABLE = Path(__file__).with_name("clinical_rows.csv")


def files(tmp_path: Path) -> list[Path]:
    found = re.findall(
        r"^```{code-block} toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    paths = [tmp_path / f"{number}.toml" for number in range(len(found))]
    for path, text in zip(paths, found):
        path.write_text(text, encoding="utf-8")
    return paths


def test_the_calibration_of_the_page_can_be_started(tmp_path):
    params = read_study(files(tmp_path)[0], CalibrationParams)
    assert ParameterSpace(params.parameter).values(ParameterSpace(params.parameter).start)
    rows, _ = target_rows(read_table(TABLE, ids=["ALN"]), params)
    assert [row.drug for row in rows] == ["alendronate"]
    assert params.only == "alendronate"


def test_the_screening_of_the_page_can_be_started(tmp_path):
    rows, space, points = design(read_study(files(tmp_path)[1], SensitivityParams))
    assert (len(rows), len(space), len(points)) == (1, 1, 3)
    assert rows[0].reference_arm is not None
