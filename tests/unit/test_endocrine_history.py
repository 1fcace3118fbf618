"""``[endocrine]``: what is accepted, and the one line that says why a history is not."""

from __future__ import annotations

import re

import pytest

from trabsim.config import load_config, preset_names
from trabsim.endocrine.history import LATER_TABLES, EndocrineParams
from trabsim.errors import ConfigError

MAN = {"sex": "male"}
#: Histories that contradict themselves, and what is said.
MISTAKES = [
    (
        {"estradiol_table": [[0, 90.0], [730, 3000.0]]},
        "[endocrine] estradiol_table holds 3000 pg/mL on day 730, at 52.0 years, after menopause at 51; no gland makes "
        "that: correct it, or give the drug as a [[therapy]]",
    ),
    (
        {"age_years": 30, "estradiol_table": [[0, 5000.0]]},
        "[endocrine] estradiol_table holds 5000 pg/mL on day 0, outside of pregnancy; no gland makes that",
    ),
    (
        {**MAN, "estradiol_table": [[10, 600.0]]},
        "[endocrine] estradiol_table holds 600 pg/mL on day 10, in a man; no gland makes that",
    ),
    (
        {"estradiol_table": [[0, 90.0], [730, 400.0]]},
        "[endocrine] estradiol_table holds 400 pg/mL on day 730, at 52.0 years, after menopause at 51; no gland makes",
    ),
    (
        {"estradiol_premenopausal_pg_per_mL": 950.0, "estradiol_postmenopausal_pg_per_mL": 900.0},
        "[endocrine] estradiol_postmenopausal_pg_per_mL = 900: no gland makes more than 200 after menopause; correct",
    ),
    (
        {"estradiol_postmenopausal_pg_per_mL": 900.0},
        "[endocrine] estradiol_postmenopausal_pg_per_mL = 900: no gland makes more than 200 after menopause; correct",
    ),
    (
        {"estradiol_postmenopausal_pg_per_mL": 120.0},
        "[endocrine] estradiol_postmenopausal_pg_per_mL = 120 lies above estradiol_premenopausal_pg_per_mL = 90; "
        "exchange them",
    ),
    (
        {**MAN, "surgical_menopause_age_years": 45.0},
        "[endocrine] surgical_menopause_age_years = 45.0 concerns women, and sex = 'male'; change sex or leave the key "
        "out",
    ),
    (
        {**MAN, "final_menstrual_period_age_years": 45.0},
        "[endocrine] final_menstrual_period_age_years = 45.0 concerns women, and sex = 'male'; change sex or leave the "
        "key out",
    ),
    (
        {"hypogonadism": "primary"},
        "[endocrine] hypogonadism = 'primary' concerns men, and sex = 'female'; change sex or leave the key out",
    ),
    (
        {**MAN, "hypogonadism_testosterone_ng_per_dL": 100.0},
        "[endocrine] hypogonadism_testosterone_ng_per_dL is given without hypogonadism; say hypogonadism = "
        "'primary' or 'secondary'",
    ),
    (
        {**MAN, "hypogonadism": "primary", "testosterone_table": [[0, 200.0]]},
        "[endocrine] testosterone_table and hypogonadism set the same level; leave one of them out",
    ),
    (
        {"igf1_table": [[0, 100.0]], "growth_hormone_deficiency_age_years": 20},
        "[endocrine] igf1_table and growth_hormone_deficiency_age_years set the same level; leave one of them out",
    ),
    (
        {"pth_table": [[0, 100.0]], "hyperparathyroidism_age_years": 20},
        "[endocrine] pth_table and hyperparathyroidism_age_years set the same level; leave one of them out",
    ),
    (
        {"igf1_table": [[3, 1.0], [2, 1.0]]},
        "[endocrine] igf1_table needs pairs [day, ng/mL] with rising days; sort them",
    ),
    (
        {"testosterone_table": []},
        "[endocrine] testosterone_table needs pairs [day, ng/dL] with rising days; sort them",
    ),
    ({"pth_table": [[0, -1.0]]}, "[endocrine] pth_table holds a negative concentration; correct it"),
    ({"igf1_table": [[0, 0.0]]}, "[endocrine] igf1_table holds 0 ng/mL, which nobody has; correct it"),
    (
        {"hydroxyvitamin_d_table": [[0, 0.0]]},
        "[endocrine] hydroxyvitamin_d_table holds 0 ng/mL, which nobody has; correct it",
    ),
    ({"fsh_table": [[0, -1.0]]}, "[endocrine] fsh_table holds a negative concentration; correct it"),
    (
        {"progesterone_table": [[3, 1.0], [2, 1.0]]},
        "[endocrine] progesterone_table needs pairs [day, ng/mL] with rising days; sort them",
    ),
    ({"shbg_table": []}, "[endocrine] shbg_table needs pairs [day, nmol/L] with rising days; sort them"),
    (
        {**MAN, "fsh_table": [[0, 10.0]]},
        "[endocrine] fsh_table = ((0.0, 10.0),) concerns women, and sex = 'male'; change sex or leave the key out",
    ),
    (
        {"glucocorticoid_table": [[0, 10.0]], "glucocorticoid_excess_mg_per_day": 5.0},
        "[endocrine] glucocorticoid_table and glucocorticoid_excess_mg_per_day set the same level; leave one of",
    ),
    ({"sex": "man"}, "endocrine.sex = 'man': input should be 'female' or 'male'"),
    (
        {"FRAX_hip_fraction": 3.0},
        "endocrine.FRAX_hip_fraction = 3.0: input should be less than or equal to 1",
    ),
    (
        {"calcium_intake": 800},
        "unknown key 'endocrine.calcium_intake' (value 800); did you mean 'calcium_intake_mg_per_",
    ),
]


@pytest.mark.parametrize(("history", "said"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_contradiction_is_one_clear_line(history, said):
    with pytest.raises(ConfigError) as caught:
        load_config({"endocrine": history})
    text = str(caught.value)
    assert text.startswith(said), text
    assert "\n" not in text


@pytest.mark.parametrize("name", preset_names())
def test_presets_load(name):
    assert load_config(name).endocrine.age_years >= 18


def test_a_man_may_start_from_the_preset_of_a_woman():
    """Keys of the other sex that keep their defaults do not matter."""
    config = load_config({"extends": "postmenopause", "endocrine": {"sex": "male", "age_years": 70.0}})
    assert config.endocrine.sex == "male"


@pytest.mark.parametrize(
    "history",
    [
        {},
        {"sex": "male", "hypogonadism": "secondary", "hypogonadism_age_years": 40.0},
        {"igf1_table": [[0, 100.0], [30, 90.0]], "FRAX_hip_fraction": 0.031, "prior_fracture": True},
        {"estradiol_table": [[0, 450.0]], "age_years": 40.0},
        {"fsh_table": [[0, 40.0]], "progesterone_table": [[0, 0.1]], "shbg_table": [[0, 80.0]]},
        {**MAN, "shbg_table": [[0, 20.0], [30, 40.0]], "glucocorticoid_table": [[0, 0.0], [90, 12.0]]},
    ],
    ids=str,
)
def test_a_history_survives_writing_and_reading(history):
    import tomllib

    config = load_config({"endocrine": history})
    assert load_config(tomllib.loads(config.to_toml())) == config


def test_tables_that_came_later_change_no_hash_where_they_are_not_given():
    """Keys of kept lives are hashes of these numbers."""
    assert not set(LATER_TABLES) & set(EndocrineParams().model_dump(mode="json"))
    assert set(LATER_TABLES) < set(EndocrineParams.model_fields)
    assert "fsh_table" in EndocrineParams(fsh_table=((0.0, 40.0),)).model_dump()


def test_the_old_keys_are_all_there():
    """Configurations of women written before stay valid."""
    old = (
        "sex age_years final_menstrual_period_age_years surgical_menopause_age_years estradiol_table "
        "estradiol_premenopausal_pg_per_mL estradiol_postmenopausal_pg_per_mL fall_start_years fall_end_years "
        "surgical_half_life_days fsh_premenopausal_IU_per_L fsh_postmenopausal_IU_per_L testosterone_ng_per_dL"
    )
    assert set(old.split()) <= set(EndocrineParams.model_fields)


def test_every_error_says_what_to_do():
    for _, said in MISTAKES:
        assert re.search(r"; |input should be|no gland", said)
