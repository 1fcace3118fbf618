"""Load programs: what the loads are multiplied by on a day, and every mistake in writing one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trabsim.cli import main
from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.mechanics.loads import LoadProgram, load_factor, program_on

REST_THEN_TRAINING = (
    LoadProgram(kind="exercise", scale=1.5, start_day=100),
    LoadProgram(kind="bed_rest", scale=0.3, start_day=10, stop_day=40),
    LoadProgram(kind="recovery", start_day=300),
)


def test_without_a_program_the_loads_are_as_usual() -> None:
    assert load_factor((), 0) == load_factor((), -500) == 1.0


@pytest.mark.parametrize(
    ("day", "factor"),
    [
        (-5, 1.0),
        (9, 1.0),
        (10, 0.3),
        (39, 0.3),
        (40, 1.0),
        (99, 1.0),
        (100, 1.5),
        (299, 1.5),
        (300, 1.0),
        (9999, 1.0),
    ],
)
def test_an_entry_acts_from_its_first_day_until_before_its_last(day: int, factor: float) -> None:
    """Whatever the order in which they are listed; recovery ends what lasts."""
    assert load_factor(REST_THEN_TRAINING, day) == pytest.approx(factor, rel=1e-12)
    assert load_factor(REST_THEN_TRAINING[::-1], day) == pytest.approx(factor, rel=1e-12)


def test_what_began_last_wins_and_what_it_covers_comes_back() -> None:
    """Bed rest within months of training: afterwards training goes on."""
    program = (
        LoadProgram(kind="exercise", scale=1.5),
        LoadProgram(kind="bed_rest", scale=0.3, start_day=30, stop_day=60),
    )
    assert [round(load_factor(program, day), 9) for day in (0, 29, 30, 59, 60)] == [1.5, 1.5, 0.3, 0.3, 1.5]


def test_of_two_that_begin_together_the_later_listed_wins() -> None:
    program = (LoadProgram(kind="constant", scale=0.5), LoadProgram(kind="constant", scale=0.7))
    assert load_factor(program, 3) == 0.7
    assert program_on(program, 3) is program[1]


@pytest.mark.parametrize(("days", "scale"), [(3.0, 1.3), (1.0, 2.0), (5.0, 1.0), (6.0, 0.0)])
def test_exercise_counts_by_the_fourth_power_of_the_load(days: float, scale: float) -> None:
    """Daily stimulus: the mean of load**4 over the days of a week, its fourth root."""
    program = (LoadProgram(kind="exercise", scale=scale, days_per_week=days),)
    expected = ((7 - days + days * scale**4) / 7) ** 0.25
    assert load_factor(program, 0) == pytest.approx(expected, rel=1e-12)


def test_exercise_every_day_is_its_scale_and_a_constant_one_changes_nothing() -> None:
    assert load_factor((LoadProgram(kind="exercise", scale=1.3),), 0) == pytest.approx(1.3)
    assert load_factor((LoadProgram(),), 0) == 1.0


def test_a_program_survives_being_written_and_read() -> None:
    """The run folder's config.toml repeats it."""
    import tomllib

    entries = [
        {"kind": "exercise", "start_day": 30, "scale": 1.3, "days_per_week": 3},
        {"kind": "constant", "start_day": 60, "stresses_MPa": [[0, 0, -1, 0, 0, 0], [0, 0.5, 0, 0, 0, 0]]},
        {"kind": "recovery", "start_day": 90},
    ]
    config = load_config({"mechanics": {"program": entries, "stresses_MPa": [[0, 0, -1, 0, 0, 0]]}})
    assert load_config(tomllib.loads(config.to_toml())) == config
    assert len(config.process.mechanics.program) == 3


MISTAKES = [
    (
        {"program": [{"kind": "exercise"}]},
        r"\[mechanics.program.0\] kind 'exercise' needs a scale, for example",
    ),
    ({"program": [{"kind": "bed_rest"}]}, r"kind 'bed_rest' needs a scale, for example scale = 1.3"),
    (
        {"program": [{"kind": "recovery", "scale": 2}]},
        r"kind 'recovery' returns to the usual .* no scale \(2.0\)",
    ),
    (
        {"program": [{"kind": "recovery", "stresses_MPa": [[1, 0, 0, 0, 0, 0]]}]},
        r"kind 'recovery' returns to the usual loads and takes no stresses_MPa; leave them out",
    ),
    (
        {"program": [{"kind": "bed_rest", "scale": 0.3, "days_per_week": 3}]},
        r"days_per_week = 3 acts with kind 'exercise' alone, not 'bed_rest'; leave it out",
    ),
    (
        {"program": [{"kind": "exercise", "scale": 1, "start_day": 5, "stop_day": 5}]},
        r"stop_day 5 must come after start_day 5",
    ),
    (
        {"program": [{"kind": "constant", "scale": -1}]},
        r"mechanics.program.0.scale = -1: .* greater than or equal to 0",
    ),
    (
        {"program": [{"kind": "constant", "scale": 1e9}]},
        r"mechanics.program.0.scale = 1000000000.0: .* less than or",
    ),
    ({"program": [{"kind": "constant", "scale": float("nan")}]}, r"program.0.scale = nan: .* finite"),
    (
        {"program": [{"kind": "run", "scale": 1}]},
        r"program.0.kind = 'run': .*'constant', 'exercise', 'bed_rest' or",
    ),
    (
        {"program": [{"kind": "exercise", "scale": 1, "days_per_week": 0}]},
        r"days_per_week = 0: .* greater than 0",
    ),
    (
        {"program": [{"kind": "exercise", "scale": 1, "days_per_week": 8}]},
        r"days_per_week = 8: .* less than or",
    ),
    ({"program": [{"kind": "exercise", "scale": 1, "start_day": 1.5}]}, r"start_day = 1.5: .*valid integer"),
    (
        {"program": [{"kind": "exercise", "speed": 1}]},
        r"unknown key 'mechanics.program.0.speed' .*; known here: .*scale",
    ),
    (
        {"program": [{"stresses_MPa": [[0] * 6]}]},
        r"\[mechanics.program.0.stresses_MPa\] a load without direction",
    ),
    (
        {"stresses_MPa": [[0, 0, -1, 0, 0, 0], [0] * 6]},
        r"\[mechanics.stresses_MPa\] a load without direction: .*; give each load six numbers, not all zero \(xx, yy,",
    ),
    ({"stresses_MPa": []}, r"a load without direction: \[\]; give each load six numbers"),
    (
        {"stresses_MPa": [[1, 2]]},
        r"\[1, 2\] is no load; give each load six numbers in MPa \(xx, yy, zz, yz, xz, xy;",
    ),
    ({"stresses_MPa": [3]}, r"3 is no load; give each load six numbers in MPa"),
    ({"stresses_MPa": [[0, 0, float("inf"), 0, 0, 0]]}, r"mechanics.stresses_MPa.0.2 = inf: .* finite"),
    ({"tissue_modulus_MPa": 0}, r"mechanics.tissue_modulus_MPa = 0: .* greater than 0"),
    ({"tissue_modulus_MPa": -5e3}, r"mechanics.tissue_modulus_MPa = -5000.0: .* greater than 0"),
    ({"poisson_ratio": 0.5}, r"mechanics.poisson_ratio = 0.5: .* less than 0.5"),
    ({"coarsening": 3}, r"mechanics.coarsening = 3: .* less than or equal to 2"),
]


@pytest.mark.parametrize(("table", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_named_in_one_line(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        load_config({"mechanics": table})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stresses_MPa = [[0, 0, 0, 0, 0, 0]]", "a load without direction"),
        ('program = [{ kind = "exercise" }]', "needs a scale"),
        ("tissue_modulus_MPa = -1", "greater than 0"),
    ],
)
def test_the_command_line_answers_a_mistake_with_a_line_and_code_2(tmp_path, text: str, message: str) -> None:
    """Nothing is started, no folder is left."""
    file = tmp_path / "loads.toml"
    file.write_text(f'extends = "postmenopause"\n[mechanics]\n{text}\n', encoding="utf-8")
    result = CliRunner().invoke(main, ["run", str(file), "-o", str(tmp_path / "run")], prog_name="trabsim")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output + result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_preset_of_bed_rest_rests_for_three_months() -> None:
    config = load_config(Path(__file__).parents[2] / "configs" / "bed_rest.toml")
    program = config.process.mechanics.program
    assert [load_factor(program, day) for day in (0, 364, 365, 454, 455, 1000)] == [
        1.0,
        1.0,
        0.3,
        0.3,
        1.0,
        1.0,
    ]
    assert config.run.end_day > 455 + 365
    assert "mechanics" not in config.run.disable
