"""Conditions that a clinic can see: what they mean, and what is wrong with them."""

from __future__ import annotations

import math

import pytest

from trabsim.therapy.conditions import holds, names_in, parse_condition

SEEN = {"T_score": -1.8, "CTX_pct": 140.0, "P1NP_pct": 90.0, "age_years": 64.0, "prior_fracture": 1.0}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("T_score <= -2.5", False),
        ("T_score < -1", True),
        ("CTX_pct > 60", True),
        ("age_years >= 65", False),
        ("prior_fracture", True),
        ("not prior_fracture", False),
        ("osteopenia", True),
        ("osteoporosis", False),
        ("osteopenia and prior_fracture", True),
        ("osteoporosis or prior_fracture", True),
        # and binds tighter than or
        ("prior_fracture or age_years > 90 and osteoporosis", True),
        ("age_years > 90 and osteoporosis or CTX_pct < 10", False),
        # what is not known does not hold, in either direction
        ("FRAX_major_fraction >= 0.2", False),
        ("FRAX_major_fraction < 0.2", False),
    ],
)
def test_a_condition_means_what_it_says(text, answer):
    assert holds(parse_condition(text), SEEN) is answer


def test_a_t_score_that_is_not_known_has_no_class():
    for text in ("osteopenia", "osteoporosis", "T_score < 0", "T_score > 0"):
        assert not holds(parse_condition(text), {"T_score": math.nan})


def test_names_of_a_condition():
    assert names_in(parse_condition("osteopenia and FRAX_hip_fraction > 0.03 or T_score<=-2.5")) == {
        "osteopenia",
        "FRAX_hip_fraction",
        "T_score",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T_scor < -2.5", "'T_scor' is nothing a clinic sees; did you mean 'T_score'?"),
        ("BV_TV < 0.1", "'BV_TV' is nothing a clinic sees; known here: "),
        ("T_score = -2.5", "cannot read 'T_score = -2.5'; write for example T_score <= -2.5"),
        ("T_score", "'T_score' is a number; compare it, for example T_score < 1"),
        ("not T_score < 1", "'T_score' is a number; compare it"),
        ("T_score < low", "'low' is not a number to compare T_score with"),
        ("prior_fracture > 1", "'prior_fracture' is true or false; write it alone, without '> 1'"),
        ("", "cannot read ''"),
    ],
)
def test_a_mistaken_condition_is_named(text, message):
    with pytest.raises(ValueError) as caught:
        parse_condition(text)
    assert str(caught.value).startswith(message)
