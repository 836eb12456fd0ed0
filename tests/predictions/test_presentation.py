"""The words say what the numbers say, out of 100."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictions.presentation import group_words, horizon_words, out_of_100


def horizon(percent):
    return {
        "years": 5,
        "risk_percent": percent,
        "interval95_percent": [percent / 2, percent],
        "cohort_average_percent": 18.0,
    }


@pytest.mark.parametrize(
    ("percent", "words"),
    [
        (0, "<1"),
        (0.49, "<1"),
        (0.5, "1"),
        (12.4, "12"),
        (12.5, "13"),
        (99.4, "99"),
        (99.5, ">99"),
        (100, ">99"),
    ],
)
def test_a_risk_is_a_whole_number_out_of_100_and_never_0_or_100(percent, words):
    assert out_of_100(percent) == words


@given(st.floats(0, 100))
def test_both_framings_sum_to_100(percent):
    words = horizon_words(horizon(percent))
    if "<" in words.had_it or ">" in words.had_it:
        assert {words.had_it, words.did_not} == {"<1", ">99"}
    else:
        assert int(words.had_it) + int(words.did_not) == 100


def test_a_group_is_named_with_what_happened_to_the_people_in_it():
    group = {
        "code": "middle",
        "years": 5,
        "risk_from_percent": 10.0,
        "risk_to_percent": 20.0,
        "share_of_cohort_percent": 58.1,
        "patients": 115,
        "observed_percent": 12.3,
        "observed_interval95_percent": [7.5, 19.9],
    }
    assert group_words(group) == (
        "Middle group: 10 to 20 out of 100 within 5 years. 58 out of 100 people of the cohort are in it. "
        "Of these 115 people 12 out of 100 had a distant metastasis within 5 years (likely range 8 to 20)."
    )
    assert group_words({"code": "not_classifiable", "detail": "Why."}) == "No group. Why."
