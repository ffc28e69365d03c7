"""Rules about loaded models: was each clean, and can it be loaded again?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage.auditing.provenance import is_told, loads_in, provenance_of
from lineage.auditing.words import in_words
from lineage.auditing.world import Found, World, called
from lineage.core.words import counted
from lineage.facts import Activity, Artifact, Evaluation, Generation, Json, ModelLoad, Session
from lineage.prov.statement import Name

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1, or SHA-256 where a repository has it
DIGEST = re.compile(r"[0-9a-f]{64}")
CLEAN = {"sentinel_tests_passed": True, "template_disabled": True, "add_special_tokens": False}  # what a clean load says
ELSEWHERE = ("provider", "endpoint", "base_url", "api_base")  # who names one of them asked a model that ran elsewhere
LOCAL = frozenset({"local", "transformers", "huggingface", "hf", "peft", "vllm", "llama.cpp", "mlx", "onnx", "onnxruntime"})


def sentinels_not_passed(world: World) -> Iterator[Found]:
    """Check that no load says that its sentinels failed."""
    yield from _unless(world, "sentinels-not-passed", "sentinel_tests_passed")


def template_not_disabled(world: World) -> Iterator[Found]:
    """Check that no load says that the chat template was on."""
    yield from _unless(world, "template-not-disabled", "template_disabled")


def special_tokens_added(world: World) -> Iterator[Found]:
    """Check that no load says that special tokens were added."""
    yield from _unless(world, "special-tokens-added", "add_special_tokens")


def clean_load_not_recorded(world: World) -> Iterator[Found]:
    """Check that every load says how the model was loaded. A model behind an API has nothing to say of that."""
    for one in configurations(world):
        unknown = [key for key in CLEAN if one.provenance.get(key) is None]
        odd = [key for key in CLEAN if key not in unknown and not isinstance(one.provenance[key], bool)]
        if odd or (unknown and not is_remote(one)):
            parts = [f"{', '.join(unknown)} not recorded"] if unknown else []
            parts += [f"{key} is {in_words(one.provenance[key])}, neither true nor false" for key in odd]
            yield _told(world, "clean-load-not-recorded", one, "; ".join(parts))


def remote_model(world: World) -> Iterator[Found]:
    """Name the models that ran elsewhere."""
    for one in configurations(world):
        if is_remote(one):
            where = next(one.provenance[key] for key in ELSEWHERE if one.provenance.get(key) is not None)
            yield _told(world, "remote-model", one, f"provider {in_words(where)}")


def model_not_recorded(world: World) -> Iterator[Found]:
    """Check that every generation and evaluation names its model, in the manifest or in what it made, and every load a model."""
    for one in configurations(world):
        if one.provenance.get("model_name") is None and not one.used:
            yield _told(world, "model-not-recorded", one, "no model_name, and no file of a model")
    for folder, session in world.placed:
        for run in session.activities:
            is_asked = isinstance(run, Generation | Evaluation) and not run.is_wrapped
            if is_asked and not run.models and not _is_told_elsewhere(world, session, run):
                about = world.about(session, *run.made)
                yield world.found("model-not-recorded", folder, session, world.home(session, run), detail=called(run), about=about)


def _is_told_elsewhere(world: World, session: Session, run: Activity) -> bool:
    """Return whether the loader_config of the session, or a record or report of the run, tells of a model."""
    told = [session.loader_config]
    told += [part.metadata for one in world.held if run in one.makers for part in world.slices(one)]
    told += [metadata for one, report in world.reports if one.run is run and isinstance(metadata := report.get("metadata"), dict)]
    return any(is_told(provenance_of(one)) for one in told)


def is_remote(one: Configuration) -> bool:
    """Return whether the model ran elsewhere."""
    return is_elsewhere(one.provenance, one.used)


def is_elsewhere(provenance: Mapping[str, object], used: Collection[Artifact] = ()) -> bool:
    """Return whether the model ran elsewhere: somebody names a provider or an address, and no file of it was here."""
    provider = provenance.get("provider")
    is_local = isinstance(provider, str) and provider.casefold() in LOCAL
    has_files = bool(used) or bool(provenance.get("files"))
    return not is_local and not has_files and any(provenance.get(key) is not None for key in ELSEWHERE)


def unpinned_revision(world: World) -> Iterator[Found]:
    """The model is named by a commit, or by the digest of each of its files."""
    for one in configurations(world):
        revision = one.provenance.get("revision")
        by_commit = isinstance(revision, str) and bool(COMMIT.fullmatch(revision))
        by_content = bool(one.used) and all(file.sha256 for file in one.used)
        if not is_remote(one) and not by_commit and not by_content and not _are_digests(one.provenance.get("files")):
            yield _told(world, "unpinned-revision", one, f"revision {in_words(revision)}")


def _are_digests(files: object) -> bool:
    return isinstance(files, dict) and bool(files) and all(isinstance(one, str) and DIGEST.fullmatch(one) for one in files.values())


def _unless(world: World, code: str, key: str) -> Iterator[Found]:
    for one in configurations(world):
        value = one.provenance.get(key)
        if isinstance(value, bool) and value is not CLEAN[key]:
            yield _told(world, code, one, f"{key} is {in_words(value)}")


def _told(world: World, code: str, one: Configuration, detail: str) -> Found:
    name = one.provenance.get("model_name")
    model = in_words(name) if name is not None else "a model without a name"
    text = f"{one.who} of {model}{f': {detail}' if detail else ''}"
    return world.found(code, one.folder, one.session, one.file, line=one.line, detail=text, about=one.about)


# --- what was loaded, by whomever says it


@dataclass(frozen=True, slots=True)
class Configuration:
    """What somebody says of a loaded model."""

    folder: Path
    session: Session
    file: str  # that says it
    line: int | None
    who: str  # says it
    provenance: Json
    about: tuple[Name, ...]  # what is doubtful if it is bad
    used: tuple[Artifact, ...] = ()


def configurations(world: World) -> Iterator[Configuration]:
    """Every load; and what records, reports and manifests say of models that no load tells of."""
    for folder, session, load in world.loads():
        about = (world.ids.run(load.id),)
        yield Configuration(folder, session, world.home(session, load), None, called(load), load.provenance, about, load.used)
    yield from _of_records(world)
    yield from _of_reports(world)
    yield from _of_manifests(world)


def _of_records(world: World) -> Iterator[Configuration]:
    for one in world.held:
        for part in world.slices(one):
            run = world.runs.get(part.run_id, (None, None))[1] if part.run_id else next(iter(one.makers), None)
            said = provenance_of(part.metadata)
            if is_told(said) and not (run and world.loads_of(run)):
                line, about = (part.lines[0][0] if part.lines else None), world.about(one.session, one.artifact)
                yield Configuration(one.folder, one.session, one.artifact.path, line, f"{counted(part.count, 'record')}", said, about)


def _of_reports(world: World) -> Iterator[Configuration]:
    for one, report in world.reports:
        metadata = report.get("metadata")
        said = provenance_of(metadata) if isinstance(metadata, dict) else {}
        if is_told(said) and not world.loads_of(one.run):
            about = world.about(one.session, one.artifact)
            yield Configuration(one.folder, one.session, one.artifact.path, None, "an evaluation", said, about)


def _of_manifests(world: World) -> Iterator[Configuration]:
    """The `loader_config` of a session without a load that says the same."""
    for folder, session in world.placed:
        said = provenance_of(session.loader_config)
        loads = [run.provenance for run in session.activities if isinstance(run, ModelLoad)]
        if session.manifest and is_told(said) and not loads_in(session) and said not in loads:
            yield Configuration(folder, session, session.manifest, None, "loader_config", said, world.of_session(session))
