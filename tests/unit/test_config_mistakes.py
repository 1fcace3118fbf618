"""Every mistake in a configuration is answered in one line that says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from trabsim.config import load_config, parse_override, preset_text
from trabsim.errors import ConfigError

MISTAKES = {
    "misspelled key": ({"run": {"sed": 2}}, "unknown key 'run.sed' (value 2); did you mean 'seed'?"),
    "misspelled key of a process": (
        {"activation": {"debt_fade_day": 2}},
        "unknown key 'activation.debt_fade_day' (value 2); did you mean 'debt_fade_days'?",
    ),
    "misspelled key of a list": (
        {"output": [{"every_day": 2}]},
        "unknown key 'output.0.every_day' (value 2); did you mean 'every_days'?",
    ),
    "unlike any key": ({"run": {"xyz": 2}}, "unknown key 'run.xyz' (value 2); known here: disable, seed, "),
    "misspelled table": ({"actvation": {}}, "unknown table [actvation]; did you mean 'activation'?"),
    "unlike any table": ({"qqq": {}}, "unknown table [qqq]; known here: activation, "),
    "key outside a table": ({"seed": 2}, "'seed' stands outside any table; write it as run.seed"),
    "out of range": ({"run": {"years": -1}}, "run.years = -1: input should be greater than 0"),
    "wrong type": ({"run": {"years": "long"}}, "run.years = 'long': input should be a valid number"),
    "not finite": ({"run": {"years": float("inf")}}, "run.years = inf: input should be"),
    "wrong word": (
        {"specimen": {"method": "guess"}},
        "specimen.method = 'guess': input should be 'threshold', 'density', 'otsu' or 'mask'",
    ),
    "wrong number of axes": (
        {"specimen": {"shape": [32, 32]}},
        "specimen.shape.2 = [32, 32]: field required",
    ),
    "too small": (
        {"specimen": {"shape": [8, 32, 32]}},
        "[specimen] shape [8, 32, 32] is too small; give at least 16 voxels along each axis",
    ),
    "unsorted table": (
        {"endocrine": {"estradiol_table": [[3, 1.0], [2, 1.0]]}},
        "[endocrine] estradiol_table needs pairs [day, pg/mL] with rising days; sort them",
    ),
    "negative concentration": (
        {"endocrine": {"estradiol_table": [[3, -1.0]]}},
        "[endocrine] estradiol_table holds a negative concentration; correct it",
    ),
    "single brackets": (
        {"output": {"every_days": 3}},
        "[output] is a list of tables; write [[output]], in double brackets",
    ),
    "table that is none": (
        {"activation": 3},
        "activation = 3 is no table; write [activation] and its keys below",
    ),
    "process that is none": ({"process": 3}, "process = 3 is no table; name the process's own table"),
    "cannot be switched off": (
        {"run": {"disable": ["resorption"]}},
        "run.disable = 'resorption' is not a mechanism that can be switched off; choose from ",
    ),
    "extends no text": ({"extends": 3}, "extends = 3 is not text; give the name of a preset or a file"),
    "extends what is not there": (
        {"extends": "postmenopaus"},
        "no configuration file or preset named 'postmenopaus'; did you mean 'postmenopause'?",
    ),
}


def message(source: object, overrides: dict[str, object] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(source, overrides)  # type: ignore[arg-type]
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name):
    source, expected = MISTAKES[name]
    assert message(source).startswith(expected)


def test_all_mistakes_are_named_at_once():
    text = message({"run": {"sed": 2, "years": -1}, "specimen": {"voxel_size_um": 1e9}})
    for part in ("unknown key 'run.sed'", "run.years = -1", "specimen.voxel_size_um = 1000000000.0"):
        assert part in text


def test_a_long_value_is_cut():
    assert len(message({"run": {"seed": "x" * 5000}})) < 200


def test_an_unknown_name_points_to_the_list(tmp_path):
    assert message("nothing_like_it") == (
        "no configuration file or preset named 'nothing_like_it'; run 'trabsim presets' for the list"
    )
    missing = tmp_path / "c.toml"
    assert message(missing).startswith(f"no configuration file or preset named '{missing}'")


def test_broken_toml_names_the_line(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("[run]\nseed = = 3\n")
    assert message(path) == f"{path} is not valid TOML: Invalid value (at line 2, column 8); mend that line"


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xff\xfe\x00seed")
    assert re.fullmatch(rf"{path} is not valid TOML: .*; mend that line", message(path))


def test_a_file_without_rights_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "c.toml"
    path.write_text("")

    def refuse(*_args: object, **_more: object) -> str:
        raise PermissionError(13, "Permission denied")  # root may read everything

    monkeypatch.setattr(Path, "read_text", refuse)
    assert message(path) == f"cannot read {path}: Permission denied; check the file's rights"


def test_the_suggested_name_is_looked_for_in_the_right_table():
    """``seed`` exists in [run] and [specimen], but a key of [lining] is meant here."""
    assert "did you mean 'cover_days'?" in message({"lining": {"cover_day": 1}})


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"seed": 2}, "'seed' names no table; write it as table.key, for example run.seed"),
        (
            {"output.every_days": 2},
            "'output.every_days' cannot be set one by one: [output] is a list; give it in the file",
        ),
        ({"rnu.seed": 2}, "unknown table [rnu]; did you mean 'run'?"),
        ({"run.sed": 2}, "unknown key 'run.sed' (value 2); did you mean 'seed'?"),
    ],
)
def test_a_mistaken_override_is_named(overrides, expected):
    source = {"output": [{"every_days": 3}]}
    assert message(source, overrides) == expected


@pytest.mark.parametrize("text", ["run.seed", "=3", "  = 3", ""])
def test_a_setting_without_key_or_value_is_refused(text):
    with pytest.raises(
        ConfigError, match=re.escape(f"--set needs key=value, got '{text}'; write for example")
    ):
        parse_override(text)


def test_an_unknown_preset_is_named():
    with pytest.raises(ConfigError, match="there is no preset 'postmenopose'; did you mean 'postmenopause'"):
        preset_text("postmenopose")
