"""The specimen of a configuration: what is missing is named."""

import pytest

from trabsim.config import load_config
from trabsim.errors import ConfigError
from trabsim.model import build_specimen


def test_targets_that_neither_preset_nor_user_gives_are_named():
    config = load_config("postmenopause", {"specimen.preset": "none", "specimen.BV_TV": 0.12})
    with pytest.raises(ConfigError, match="leaves Tb_Th_um, DA open; give a preset or these numbers"):
        build_specimen(config)


def test_an_unknown_preset_is_named_with_the_list():
    config = load_config("postmenopause", {"specimen.preset": "lumbar_woman_5"})
    with pytest.raises(ConfigError, match="'lumbar_woman_5' is unknown; choose from iliac_crest"):
        build_specimen(config)
