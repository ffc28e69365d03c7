"""A pytest plugin: the fixture `lineage_session` records what a test makes, in the test's own `tmp_path`.

    def test_training_improves(lineage_session):
        with lineage_session.training(datasets=["data.jsonl"]) as run:
            ...
            run.output("adapter.bin", type="adapter")

The session is called after the test, and is `failed` where the test failed. It is loaded by every run of pytest where lineage is installed, so it
imports nothing before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lineage.recording.session import Session

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that the test failed, or a fixture that it asked for, for the session that ends after it."""
    report = yield
    if report.when != "teardown" and report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture
def lineage_session(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session that records into `tmp_path / "artifacts"`, and is exported when the test ends."""
    import lineage

    with lineage.session(tmp_path / "artifacts", title=request.node.nodeid) as session:
        yield session
        if request.node.stash.get(_FAILED, False):
            session.close("failed")
