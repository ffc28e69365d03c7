"""The sample of scripts/sample_audit, made anew, under a key of the test."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

from lineage.signing.keys import new_key, public_key

ROOT = Path(__file__).parent.parent


def script(name):
    """A script of ours as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(ROOT / "scripts" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample():
    return script("sample_audit")


@pytest.fixture
def key(tmp_path):
    """A private key; its public half lies beside it."""
    new_key(tmp_path / "key.pem")
    return tmp_path / "key.pem"


@pytest.fixture
def public(key):
    return public_key(key.with_name("key.pem.pub"))


@pytest.fixture
def folder(sample, tmp_path):
    """The sample, exported and not signed."""
    return sample.make(tmp_path / "bundle")
