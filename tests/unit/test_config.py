"""A configuration can be layered, overridden and written down, and reads back as itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from trabsim.config import (
    DEFAULT_PRESET,
    Config,
    OutputParams,
    changed_keys,
    load_config,
    parse_override,
    preset_names,
    preset_text,
)
from trabsim.errors import ConfigError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read_back(config: Config) -> Config:
    return load_config(tomllib.loads(config.to_toml()))


def test_the_defaults_are_a_configuration():
    assert load_config({}) == Config()


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_reads_back_as_itself(name):
    config = load_config(name)
    assert read_back(config) == config
    assert tomllib.loads(preset_text(name))


def test_there_is_the_default_preset():
    assert DEFAULT_PRESET in preset_names()


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"output": []},
        {"output": [{"kind": "checkpoint", "every_days": 7}, {"microarchitecture": True}]},
        {"specimen": {"preset": None, "BV_TV": 0.1}},
        {
            "specimen": {
                "source": "/a b/ö \"x\" \\ 'y'\t\x7f.tif",
                "box": [0, 9, 0, 8, 0, 7],
                "threshold": 1e-300,
            }
        },
        {"endocrine": {"final_menstrual_period_age_years": None, "surgical_menopause_age_years": 45.5}},
        {"endocrine": {"estradiol_table": [[0, 90.0], [30.5, 1e-5]]}},
        {"run": {"seed": 2**63 - 1, "disable": ["lining", "fragments"], "years": 0.1 + 0.2}},
        {"activation": {"rate_per_mm2_per_year": 1 / 3}},
    ],
    ids=["defaults", "no output", "outputs", "nothing", "texts", "empty", "pairs", "run", "process"],
)
def test_what_is_written_reads_back_as_itself(tables):
    """Whatever is in it: quotes, empty lists, keys that are emptied, floats to the last bit."""
    config = load_config(tables)
    assert read_back(config) == config
    assert read_back(config).to_toml() == config.to_toml()


def test_the_written_text_names_every_parameter():
    text = Config().to_toml()
    data = tomllib.loads(text)
    assert {"run", "specimen", "endocrine", "output"} < set(data)
    assert set(Config().process.model_dump()) < set(data)
    assert len(data["output"]) == 3


def test_a_file_extends_a_preset_key_by_key(tmp_path):
    path = write(tmp_path / "mine.toml", 'extends = "postmenopause"\n[run]\nseed = 9\n')
    base, mine = load_config("postmenopause"), load_config(path)
    assert changed_keys(base, mine) == {"run.seed": (1, 9)}


def test_layers_may_be_files_beside_each_other_and_the_last_one_wins(tmp_path):
    write(tmp_path / "deep" / "base.toml", "[run]\nseed = 2\nyears = 3.0\n[[output]]\nevery_days = 2\n")
    write(tmp_path / "middle.toml", 'extends = "deep/base.toml"\n[run]\nseed = 4\n')
    top = write(
        tmp_path / "top.toml",
        'extends = "middle.toml"\n[[output]]\nevery_days = 5\n[[output]]\nevery_days = 6\n',
    )
    config = load_config(top)
    assert (config.run.seed, config.run.years) == (4, 3.0)
    assert [output.every_days for output in config.output] == [5, 6]  # lists are replaced


def test_a_mapping_may_extend_too(tmp_path):
    assert load_config({"extends": "postmenopause", "run": {"seed": 3}}).run.years == 5.0


def test_a_circle_of_layers_is_named(tmp_path):
    write(tmp_path / "a.toml", 'extends = "b.toml"\n')
    write(tmp_path / "b.toml", 'extends = "a.toml"\n')
    with pytest.raises(
        ConfigError, match=r"extends runs in a circle: .*a.toml -> .*b.toml -> .*a.toml; break it"
    ):
        load_config(tmp_path / "a.toml")


def test_dotted_overrides_win_and_leave_the_rest_of_a_table_alone():
    config = load_config(
        "postmenopause", {"run.seed": 7, "activation.rate_per_mm2_per_year": 2.5, "output": []}
    )
    assert config.run.seed == 7
    assert config.run.years == 5.0
    assert config.process.activation.rate_per_mm2_per_year == 2.5
    assert config.output == ()
    other = load_config(config, {"activation.debt_fade_days": 99.0})
    assert changed_keys(config, other) == {
        "activation.debt_fade_days": (config.process.activation.debt_fade_days, 99.0)
    }


def test_a_configuration_is_itself_a_source():
    config = load_config("postmenopause", {"specimen.preset": "none", "specimen.BV_TV": 0.2})
    assert load_config(config) == config
    assert config.specimen.preset is None


def test_none_empties_only_what_may_be_empty():
    assert load_config({"specimen": {"preset": "none"}}).specimen.preset is None
    with pytest.raises(ConfigError, match=r"run.seed = 'none': input should be a valid integer"):
        load_config({"run": {"seed": "none"}})


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("run.seed=2", "run.seed", 2),
        (" run.years = 1.5", "run.years", 1.5),
        ("specimen.shape=[16, 16, 32]", "specimen.shape", [16, 16, 32]),
        ("specimen.source=a=b.tif", "specimen.source", "a=b.tif"),
        ('specimen.source="synthetic"', "specimen.source", "synthetic"),
        ("specimen.fill_cavities=false", "specimen.fill_cavities", False),
        ("specimen.source=", "specimen.source", ""),
    ],
)
def test_settings_are_read_as_toml_or_as_text(text, key, value):
    assert parse_override(text) == (key, value)


def test_paths_are_relative_to_the_file_that_names_them(tmp_path, monkeypatch):
    """So that a run can be started and taken up from any folder."""
    write(tmp_path / "study" / "scan.tif", "")
    write(tmp_path / "here" / "other.tif", "")
    monkeypatch.chdir(tmp_path / "here")
    file = write(tmp_path / "study" / "c.toml", '[specimen]\nsource = "scan.tif"\nregion = "cylinder"\n')
    top = write(tmp_path / "top.toml", 'extends = "study/c.toml"\n')
    for path in (file, top):
        assert load_config(path).specimen.source == str(tmp_path / "study" / "scan.tif")
        assert load_config(path).specimen.region == "cylinder"
    assert load_config(file, {"specimen.source": "other.tif"}).specimen.source == str(
        tmp_path / "here" / "other.tif"
    )
    assert load_config({"specimen": {"source": "x.tif"}}).specimen.source == str(tmp_path / "here" / "x.tif")
    assert load_config({}).specimen.source == "synthetic"


def test_changed_keys_are_spelled_as_in_a_file():
    one = load_config({})
    other = load_config({"lining": {"cover_days": 3.25}, "run": {"years": 2.0}, "specimen": {"DA": 0.5}})
    changed = changed_keys(one, other)
    assert set(changed) == {"lining.cover_days", "run.years", "specimen.DA"}
    assert changed["specimen.DA"] == (None, 0.5)


def test_the_end_is_counted_in_days_from_entry():
    assert load_config({"run": {"years": 6.0}}).run.end_day == 2192


def test_an_output_is_a_series_unless_it_says_otherwise():
    assert load_config({"output": [{"every_days": 3}]}).output == (OutputParams(kind="series", every_days=3),)
