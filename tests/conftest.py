"""What all tests share: a clean environment, hypothesis profiles, and no skips where CI says so."""

import os

import pytest
from hypothesis import HealthCheck, settings

from lineage.capture.git.declared import USUAL

settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path_factory):
    """No variable of the developer's or of CI, no git configuration, and a cache of the test's own."""
    for name in [name for name in os.environ if name.startswith("LINEAGE_") and name != "LINEAGE_NO_SKIPS"]:
        monkeypatch.delenv(name)
    for name in USUAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")


def counted(reporter):
    """The skipped tests that CI does not allow: all but those that need a GPU, or a model that is loaded only when it is asked for."""
    return [
        report for report in reporter.stats.get("skipped", []) if not {"gpu", "realmodel"} & set(getattr(report, "keywords", ()))
    ]  # a module that skips itself has none


def pytest_terminal_summary(terminalreporter):
    skipped = counted(terminalreporter)
    if skipped and os.environ.get("LINEAGE_NO_SKIPS"):
        for report in skipped:
            terminalreporter.write_line(f"skipped, which CI does not allow: {report.nodeid}")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = counted(reporter)
    if skipped and os.environ.get("LINEAGE_NO_SKIPS") and exitstatus == 0:
        session.exitstatus = 1
