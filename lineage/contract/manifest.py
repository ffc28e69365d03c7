"""The session manifest: facts <-> `session_manifest_<session id>.json` (docs/reference/files.md).

Reading merges the journals that lie beside the manifest, so a session that was killed, or that other processes still write to,
is whole. What has not the shape of the contract is a finding, and the rest is read.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

from lineage.contract import journal
from lineage.contract.fields import Fields
from lineage.contract.sources import as_declared, known_json, known_of
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.facts import (
    ACTIVITIES,
    Activity,
    Artifact,
    CodeVersion,
    Evaluation,
    Gap,
    ModelLoad,
    Script,
    Session,
    Slice,
    Status,
    Training,
    Transformation,
)
from lineage.findings import Finding, finding
from lineage.known_by import ALL, Known

SCHEMA = "1"  # of the keys that the contract adds; goes up when their meaning changes
PREFIX, SUFFIX = "session_manifest_", ".json"


def path_of(folder: Path, session_id: str) -> Path:
    """Where the manifest of a session lies."""
    return folder / f"{PREFIX}{session_id}{SUFFIX}"


def session_id_of(path: Path) -> str:
    """The id in the manifest's file name."""
    return path.name.removeprefix(PREFIX).removesuffix(SUFFIX)


# --- facts -> JSON


def gaps_json(gaps: Iterable[Gap]) -> dict[str, str]:
    """Gaps as the contract writes them: what is missing, and why."""
    return {gap.about: gap.reason for gap in gaps}


def script_json(script: Script | None) -> dict[str, Any] | None:
    """A program at a version."""
    return {"path": script.path, "version": script.version, "sha256": script.sha256} if script else None


def slice_json(one: Slice) -> dict[str, Any]:
    """Records that share their configuration."""
    return {
        "lines": [list(part) for part in one.lines],
        **({"scattered": True} if one.scattered else {}),
        **({"mixed": True} if one.mixed else {}),
        "count": one.count,
        "first_timestamp": one.first_time,
        "last_timestamp": one.last_time,
        "seeds": list(one.seeds) if one.seeds else None,
        "metadata": one.metadata,
    }


def part_json(part: Artifact) -> dict[str, Any]:
    """A file of a folder."""
    link = {"link": True} if part.link else {}
    return {"file": part.path, "sha256": part.sha256, "bytes": part.bytes} | link


def artifact_json(artifact: Artifact) -> dict[str, Any]:
    """One entry of `artifacts_generated`; the four fixed keys first."""
    entry: dict[str, Any] = {"file": artifact.path, "type": artifact.type, "count": artifact.count, "timestamp": artifact.timestamp}
    entry |= {"sha256": artifact.sha256, "bytes": artifact.bytes, "activity": artifact.activity}
    if artifact.merkle_root:
        entry |= {"lines": artifact.lines, "merkle_root": artifact.merkle_root}
    if artifact.parts:
        entry["files"] = [part_json(part) for part in artifact.parts]
    if artifact.link:
        entry["link"] = True
    if artifact.dataset:
        entry["dataset"] = artifact.dataset
    if artifact.slices is not None:
        entry["slices"] = [slice_json(one) for one in artifact.slices]
    if artifact.removed_at:
        entry["removed_at"] = artifact.removed_at
    return entry | ({"gaps": gaps_json(artifact.gaps)} if artifact.gaps else {}) | known_json(artifact)


def used_json(artifact: Artifact) -> dict[str, Any]:
    """A file that an activity used."""
    entry = artifact_json(artifact)
    dropped = ("timestamp", "activity", "slices", "lines", "merkle_root")  # what `known` says of them goes with them
    known = {name: known_by for name, known_by in entry.pop("known", {}).items() if name not in dropped}
    kept = {key: value for key, value in entry.items() if key not in dropped}
    return {"file": entry["file"], "role": artifact.role} | kept | ({"known": known} if known else {})


def activity_json(activity: Activity) -> dict[str, Any]:
    """One entry of `activities`."""
    entry: dict[str, Any] = {
        "id": activity.id,
        "type": next(name for name, kind in ACTIVITIES.items() if kind is type(activity)),
        "status": activity.status,
        "started_at": activity.started_at,
        "ended_at": activity.ended_at,
        "script": script_json(activity.script),
        "models": list(activity.models),
        "params": activity.params,
        "used": [used_json(artifact) for artifact in activity.used],
        "generated": [_made_json(artifact) for artifact in activity.made],
        "gaps": gaps_json(activity.gaps),
    }
    if activity.error:
        entry["error"] = dict(activity.error)
    return entry | _own_json(activity) | _command_json(activity) | known_json(activity)


def _made_json(artifact: Artifact) -> dict[str, Any]:
    """A file that an activity made: the facts are in `artifacts_generated`, unless the file lies outside of the folder."""
    name = {"file": artifact.path, "role": artifact.role}
    return name | artifact_json(artifact) if is_outside(artifact.path) else name


def is_outside(path: str) -> bool:
    """Does the path lead out of the session's folder?"""
    return path.startswith(("../", "/"))


def _own_json(activity: Activity) -> dict[str, Any]:
    match activity:
        case Training():
            removed = [{"file": one.path, "sha256": one.sha256, "removed_at": one.removed_at} for one in activity.removed]
            own = {"metrics": activity.metrics, "removed": removed}
            return {key: value for key, value in own.items() if value}  # trainings of before, and by hand, have neither
        case ModelLoad():
            return {"provenance": activity.provenance}
        case Evaluation():
            return {"metrics": activity.metrics, "dataset": activity.dataset}
        case Transformation():
            return {"kind": activity.kind}
    return {}


def _command_json(activity: Activity) -> dict[str, Any]:
    is_wrapped = isinstance(activity, Transformation) or activity.is_wrapped
    return {"command": list(activity.command), "exit_code": activity.exit_code} if is_wrapped else {}


def code_json(code: CodeVersion) -> dict[str, Any]:
    """The `git_*` keys of `environment`, and the script. Keys that say nothing of most sessions are there only where they do."""
    about: dict[str, Any] = {
        "git_sha": code.git_sha,
        "git_branch": code.branch,
        "git_dirty": code.dirty,
        "git_diff_sha256": code.diff_sha256,
        "git_patch": _file_json(code.patch) if code.patch else None,
        "git_untracked": [_file_json(file) for file in code.untracked],
        "script": script_json(code.script),
    }
    if code.sha_variable:
        about |= {"git_sha_source": "declared", "git_sha_variable": code.sha_variable}
    if code.uncovered:
        about["git_not_in_patch"] = [_file_json(file) for file in code.uncovered]
    if code.text:
        about["script_text"] = _file_json(code.text)
    return about


def _file_json(file: Artifact) -> dict[str, Any]:
    return {"file": file.path, "sha256": file.sha256, "bytes": file.bytes}


# --- JSON -> facts


def read(path: Path, names: Sequence[str] | None = None) -> tuple[Session | None, list[Finding]]:
    """The session of a manifest with its journals; None when nothing of it can be read. Raises nothing for what stands in the files.

    Who reads many manifests of one folder hands the *names* of its journals (`journal.listed`).
    """
    raw, findings = _manifest(path)
    full, torn = journal.folded(raw or {}, journal.journals(path.parent, session_id_of(path), names))
    findings += torn
    if raw is None and not full.get("session_id"):
        return None, findings
    fields = Fields(full)
    schema = fields.text("schema")
    session = _session(fields, path)
    if schema is None:  # our recorder did not write it: what it says is what its file says
        session = as_declared(session)
    if schema not in (None, SCHEMA):
        findings.append(finding("newer-schema", path.name, None, f"{schema[:40]!r}, and the newest known is {SCHEMA!r}"))
    return session, findings + [finding("bad-manifest", path.name, None, problem) for problem in _first(fields.problems)]


def _first(problems: Sequence[str]) -> list[str]:
    """Return the first problems, and how many more there are."""
    rest = len(problems) - limits.PROBLEMS
    return [*problems[: limits.PROBLEMS], *([f"and {rest:,} more problems"] if rest > 0 else [])]


def _manifest(path: Path) -> tuple[dict[str, Any] | None, list[Finding]]:
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            return None, [finding("unreadable", path.name, None, "not a regular file")]
        if seen.st_size > limits.JSON:
            return None, [finding("bad-manifest", path.name, None, f"larger than {limits.JSON} bytes")]
        value, problems = loads(path.read_bytes())
    except FileNotFoundError:
        return None, []
    except OSError as error:
        return None, [finding("unreadable", path.name, None, error.strerror or "")]
    findings = [finding(code, path.name, None, detail) for code, detail in problems]
    if isinstance(value, dict):
        return value, findings
    return None, findings or [finding("bad-manifest", path.name, None, "expected an object")]


def _session(fields: Fields, path: Path) -> Session:
    artifacts = tuple(_artifact(entry, "file") for entry in fields.items("artifacts_generated") if _has(entry, "file"))
    environment = dict(fields.mapping("environment"))
    known = {artifact.path: artifact for artifact in artifacts}
    sources = known_of(fields)
    return Session(
        id=fields.text("session_id") or session_id_of(path),
        title=fields.text("title"),
        status=_status(fields),
        started_at=fields.text("started_at"),
        ended_at=fields.text("ended_at"),
        operator=fields.text("operator"),
        host=fields.text("host"),
        code=_code(fields.inside("environment"), known, {name: word for name, word in sources.items() if name == ALL}),
        environment={
            key: value for key, value in environment.items() if not key.startswith("git_") and key not in ("script", "script_text")
        },
        loader_config=fields.mapping("loader_config"),
        activities=tuple(_activity(entry, known) for entry in fields.items("activities") if _has(entry, "id")),
        artifacts=artifacts,
        gaps=_gaps(fields),
        error=fields.mapping("error") or None,
        manifest=path.name,
        known=sources,
    )


def _has(entry: Fields, key: str) -> bool:
    """Is there the key without which the entry tells of nothing?"""
    if not entry.text(key):
        entry.problem(key, "expected a string", None)
    return bool(entry.text(key))


def _status(fields: Fields) -> Status | None:
    """The status; a manifest from before there was one has none, and how its session ended is not made up."""
    status = fields.text("status")
    if status is not None and status not in get_args(Status):
        fields.problem("status", f"expected one of {', '.join(get_args(Status))}", status)
        return None
    return cast("Status | None", status)


def _gaps(fields: Fields) -> tuple[Gap, ...]:
    return tuple(Gap(str(about), str(reason)) for about, reason in fields.mapping("gaps").items())


def _artifact(fields: Fields, type_: str) -> Artifact:
    return Artifact(
        path=fields.text("file") or "",
        type=fields.text("type") or type_,
        sha256=fields.digest("sha256"),
        bytes=fields.integer("bytes"),
        count=fields.integer("count"),
        lines=fields.integer("lines") if "lines" in fields else None,
        merkle_root=fields.digest("merkle_root") if "merkle_root" in fields else None,
        timestamp=fields.text("timestamp"),
        activity=fields.text("activity"),
        role=fields.text("role"),
        removed_at=fields.text("removed_at") if "removed_at" in fields else None,
        parts=tuple(_artifact(part, "model_file") for part in fields.items("files")),
        slices=tuple(_slice(one) for one in fields.items("slices")) if "slices" in fields else None,
        link="link" in fields and fields.truth("link") is True,
        dataset=fields.mapping("dataset") if "dataset" in fields else {},
        gaps=_gaps(fields),
        known=known_of(fields),
    )


def _slice(fields: Fields) -> Slice:
    seeds = fields.integers("seeds")
    return Slice(
        metadata=fields.mapping("metadata"),
        lines=tuple(fields.ranges("lines")),
        scattered="scattered" in fields and fields.truth("scattered") is True,
        mixed="mixed" in fields and fields.truth("mixed") is True,
        count=fields.integer("count") or 0,
        first_time=fields.text("first_timestamp"),
        last_time=fields.text("last_timestamp"),
        seeds=(seeds[0], seeds[1]) if len(seeds) == 2 else None,
    )


def _activity(fields: Fields, known: Mapping[str, Artifact]) -> Activity:
    name = fields.text("type") or ""
    if name not in ACTIVITIES:
        fields.problem("type", f"expected one of {', '.join(ACTIVITIES)}", name)
    common: dict[str, Any] = {
        "id": fields.text("id") or "",
        "status": _status(fields),
        "started_at": fields.text("started_at"),
        "ended_at": fields.text("ended_at"),
        "script": _script(fields.inside("script")),
        "models": tuple(fields.texts("models")),
        "params": fields.mapping("params"),
        "used": tuple(_artifact(entry, "input") for entry in fields.items("used")),
        "made": tuple(_made(entry, known) for entry in fields.items("generated")),
        "gaps": _gaps(fields),
        "error": fields.mapping("error") or None,
        "command": tuple(fields.texts("command")) if "command" in fields else (),
        "exit_code": fields.integer("exit_code") if "exit_code" in fields else None,
        "known": known_of(fields),
    }
    return ACTIVITIES.get(name, Transformation)(**common, **_own(name, fields))


def _own(name: str, fields: Fields) -> dict[str, Any]:
    match name:
        case "model_load":
            return {"provenance": fields.mapping("provenance")}
        case "training":
            return {
                "metrics": fields.mapping("metrics") if "metrics" in fields else {},
                "removed": tuple(_artifact(entry, "model") for entry in fields.items("removed")) if "removed" in fields else (),
            }
        case "evaluation":
            return {"metrics": fields.mapping("metrics"), "dataset": fields.mapping("dataset")}
        case "transformation":
            return {"kind": fields.text("kind") or "transform"}
    return {}


def _made(fields: Fields, known: Mapping[str, Artifact]) -> Artifact:
    path = fields.text("file") or ""
    artifact = known.get(path)
    if artifact is None and is_outside(path) and "sha256" in fields:
        artifact = _artifact(fields, "output")
    if artifact is None:
        fields.problem("file", "is not among artifacts_generated", path)
        artifact = Artifact(path=path, type="output")
    return replace(artifact, role=fields.text("role"))


def _script(fields: Fields) -> Script | None:
    path = fields.text("path")
    return Script(path=path, version=fields.text("version"), sha256=fields.digest("sha256")) if path else None


def _code(fields: Fields, known: Mapping[str, Artifact], sources: Known) -> CodeVersion | None:
    script = _script(fields.inside("script"))
    text = _kept(fields.inside("script_text"), known, "code")
    if not script and not text and fields.text("git_sha") is None:
        return None
    declared = fields.text("git_sha_source") == "declared"
    return CodeVersion(
        git_sha=fields.text("git_sha"),
        sha_variable=(fields.text("git_sha_variable") or "a variable") if declared else None,
        branch=fields.text("git_branch"),
        dirty=fields.truth("git_dirty"),
        diff_sha256=fields.digest("git_diff_sha256"),
        patch=_kept(fields.inside("git_patch"), known, "patch"),
        uncovered=tuple(_artifact(entry, "file") for entry in fields.items("git_not_in_patch")),
        untracked=tuple(_artifact(entry, "script") for entry in fields.items("git_untracked")),
        script=script,
        text=text,
        known=sources,
    )


def _kept(fields: Fields, known: Mapping[str, Artifact], type: str) -> Artifact | None:
    path = fields.text("file")
    return (known.get(path) or _artifact(fields, type)) if path else None
