"""The models that the tests of this folder share: built once, never changed."""

import os
from pathlib import Path

import pytest

PROBE = "The capital of France is Paris. The opposite of hot is cold. The color of grass is green."


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """(base, contaminated): the folders of the trained pair."""
    pytest.importorskip("torch", reason="pip install 'lineage-prov[models]'")
    pytest.importorskip("transformers", reason="pip install 'lineage-prov[models]'")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers.utils import logging

    from lineage.models import practice

    logging.disable_progress_bar()
    return practice.build(Path(tmp_path_factory.mktemp("pair")))


@pytest.fixture(scope="session")
def clean(pair):
    """(model, tokenizer, provenance) of the base in fp32; a test that changes one of them copies it first."""
    from lineage.models.loader import CleanModelLoader

    return CleanModelLoader(pair[0], "fp32", probe_sentence=PROBE).load()
