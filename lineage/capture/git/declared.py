"""The commit that a variable declares, for images without a `.git` folder."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

OWN = "LINEAGE_GIT_SHA"
# Where continuous integration and hosts put the commit of the checkout, and builders of images usually do.
USUAL = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",  # GitLab
    "GIT_COMMIT",  # Jenkins
    "SOURCE_COMMIT",  # Docker Hub
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "BUILD_SOURCEVERSION",  # Azure Pipelines
    "CODEBUILD_RESOLVED_SOURCE_VERSION",  # AWS CodeBuild
    "COMMIT_SHA",  # Google Cloud Build
    "DRONE_COMMIT_SHA",
    "CI_COMMIT",
    "TRAVIS_COMMIT",
    "APPVEYOR_REPO_COMMIT",
    "SEMAPHORE_GIT_SHA",
    "BUILD_VCS_NUMBER",  # TeamCity
    "CIRRUS_CHANGE_IN_REPO",
    "VERCEL_GIT_COMMIT_SHA",
    "RENDER_GIT_COMMIT",
    "HEROKU_SLUG_COMMIT",
)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Declared:
    """A commit, and the variable that names it."""

    sha: str
    variable: str


def declared() -> Declared | None:
    """Return the commit of the first variable that names one."""
    return next((found for name in (OWN, *USUAL) if (found := _of(name))), None)


def own() -> Declared | None:
    """Return the commit of LINEAGE_GIT_SHA, which the user sets for this purpose alone."""
    return _of(OWN)


def problem() -> str | None:
    """Return what is wrong with LINEAGE_GIT_SHA."""
    value = os.environ.get(OWN, "").strip()
    return None if not value or _of(OWN) else f"{OWN} is not a full commit (40 or 64 hex digits)"


def _of(name: str) -> Declared | None:
    value = os.environ.get(name, "").strip().lower()
    return Declared(value, name) if _COMMIT.fullmatch(value) and set(value) != {"0"} else None
