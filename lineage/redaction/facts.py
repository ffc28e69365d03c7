"""Facts -> facts that may be published: each is made anew from what is allowed, so a field that nobody thought of is left out, not let through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lineage.contract import manifest
from lineage.contract.lines import holds_records
from lineage.contract.redacted import COPY, WITHHELD
from lineage.facts import (
    Activity,
    Artifact,
    CodeVersion,
    Evaluation,
    Gap,
    Json,
    ModelLoad,
    Script,
    Session,
    Slice,
    Training,
    Transformation,
)
from lineage.known_by import coarse
from lineage.mapping.names import ROLES
from lineage.redaction import allowed
from lineage.redaction.allowed import count_or_none, hash_or_none, kept, numbers, time_or_none

HIDDEN = "redacted"
ENVIRONMENT = Gap("environment", "redacted: only versions and the kind of machine are published")


@dataclass(slots=True)
class Names:
    """What things are called instead of their names: `kind-1`, `kind-2`, in the order in which they are met; one thing has one name."""

    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _files: dict[tuple[str, str | None], str] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def name(self, kind: str, text: str) -> str:
        """The name for *text*."""
        number = 1 + sum(known == kind for known, _ in self._given)
        return self._given.setdefault((kind, text), f"{kind}-{number}")

    def file(self, artifact: Artifact) -> str:
        """The name of a file: its type and the beginning of its digest, for where it lay may tell of people and machines."""
        key = (artifact.path, artifact.sha256)
        if key not in self._files:
            kind = artifact.type if artifact.type in allowed.TYPES else "artifact"
            sha256 = hash_or_none(artifact.sha256)
            stem = f"{kind}-{sha256[:16]}" if sha256 else self.name(f"{kind}-unread", artifact.path)
            self._files[key] = self._free(stem, _ending(artifact.path))
        return self._files[key]

    def _free(self, stem: str, ending: str) -> str:
        number = 1
        while (made := f"{stem}{f'-{number}' if number > 1 else ''}{ending}") in self._used:
            number += 1
        self._used.add(made)
        return made

    def session(self, id_: str) -> str:
        """A session's id, if it has the form that we give one."""
        return id_ if allowed.is_session_id(id_) else self.name("session", id_)

    def run(self, id_: str) -> str:
        """A run's id, if it has the form that we give one."""
        return id_ if allowed.is_run_id(id_) else self.name("run", id_)


def _ending(path: str) -> str:
    """Copies of packed files are not packed."""
    if holds_records(Path(path)):
        return ".jsonl"
    ending = Path(path).suffix
    return ending if ending in (".json", ".safetensors", ".bin", ".patch", ".py") else ""


def _counts(one: Slice) -> bool:
    """Are its numbers such as lines have?"""
    return all(map(allowed.is_count, (one.count, *(end for part in one.lines for end in part))))


@dataclass(slots=True)
class Redactor:
    """Makes the facts of a folder anew; `published` says which files have a copy."""

    published: frozenset[str] = frozenset()
    names: Names = field(default_factory=Names)
    trees: dict[str, tuple[int, str]] = field(default_factory=dict)  # lines and root of each file that was copied, as they were read

    def session(self, one: Session) -> Session:
        """The session without people, machines, paths and text."""
        artifacts = {artifact.path: self.artifact(artifact) for artifact in one.artifacts}
        hidden = [about for about in ("title", "operator", "host") if getattr(one, about) is not None]
        id_ = self.names.session(one.id)
        return Session(
            id=id_,
            status=one.status,
            started_at=time_or_none(one.started_at),
            ended_at=time_or_none(one.ended_at),
            environment=kept(one.environment, allowed.ENVIRONMENT),
            code=self._code(one.code),
            loader_config=self._loader_config(one.loader_config),
            activities=tuple(self._activity(run, artifacts) for run in one.activities),
            artifacts=tuple(artifacts.values()),
            gaps=(ENVIRONMENT, *(Gap(about, HIDDEN) for about in hidden)),
            manifest=f"session_manifest_{id_}.json",
            known=coarse(one.known, Session),
        )

    def provenance(self, said: object) -> dict[str, Any]:
        """A loader's provenance; a model without the commit of a hub is called by a number, for `owner/name` may be a folder."""
        made = kept(said, allowed.PROVENANCE)
        name = said.get("model_name") if isinstance(said, Mapping) else None
        if isinstance(name, str) and not (made.get("model_name") and made.get("revision")):
            made["model_name"] = self.names.name("model", name)
        return made

    def metadata(self, said: Json) -> dict[str, Any]:
        """The metadata of a record, slice or report. `tokens` and `previous` are left out: the one is the text in other letters, the other anybody's."""
        made: dict[str, Any] = {"provenance": self.provenance(said["provenance"])} if "provenance" in said else {}
        made |= {"script_version": hash_or_none(said["script_version"])} if "script_version" in said else {}
        for key in ("generation_params", "decoding_params"):
            made |= {key: numbers(said[key])} if isinstance(said.get(key), dict) else {}
        made |= {"dataset": self.dataset(said["dataset"])} if isinstance(said.get("dataset"), dict) else {}
        made |= {"record_index": said["record_index"]} if allowed.is_count(said.get("record_index")) else {}
        made |= {"eval_seed": said["eval_seed"]} if allowed.is_number(said.get("eval_seed", "")) else {}
        time = time_or_none(said.get("timestamp"))
        made |= {"timestamp": time} if time else {}
        made |= {"session_id": self.names.session(said["session_id"])} if isinstance(said.get("session_id"), str) else {}
        return made | ({"run_id": self.names.run(said["run_id"])} if isinstance(said.get("run_id"), str) else {})

    def metrics(self, said: Json) -> dict[str, Any]:
        """Numbers by the name of their measure."""
        pairs = [(key, value) for key, value in said.items() if allowed.is_number(value)]
        return {key if allowed.is_measure(key) else self.names.name("metric", key): value for key, value in pairs}

    def dataset(self, said: Json) -> dict[str, Any]:
        """Size and version of a data set; its name is called by a number."""
        name = said.get("name")
        made = {"name": self.names.name("dataset", name) if isinstance(name, str) else None, "size": count_or_none(said.get("size"))}
        return made | {"version": hash_or_none(said.get("version"))}

    def artifact(self, one: Artifact) -> Artifact:
        """The file under another name, with the digest and root of the original."""
        lines, root = self.trees.get(one.path, (one.lines, one.merkle_root))
        return Artifact(
            path=self.names.file(one),
            type=one.type if one.type in allowed.TYPES else "artifact",
            sha256=hash_or_none(one.sha256),
            bytes=count_or_none(one.bytes),
            count=count_or_none(one.count),
            lines=count_or_none(lines),
            merkle_root=hash_or_none(root),
            timestamp=time_or_none(one.timestamp),
            activity=self.names.run(one.activity) if one.activity else None,
            role=one.role if one.role in ROLES else None,
            removed_at=time_or_none(one.removed_at),
            parts=tuple(self.artifact(part) for part in one.parts),
            slices=None if one.slices is None else tuple(self._slice(part) for part in one.slices if _counts(part)),
            gaps=(COPY if one.path in self.published else WITHHELD,),
            known=coarse(one.known, Artifact),
        )

    def _slice(self, one: Slice) -> Slice:
        facts: dict[str, Any] = {
            "lines": one.lines,
            "count": one.count,
            "scattered": one.scattered,
            "seeds": one.seeds if all(map(allowed.is_number, one.seeds or ())) else None,
        }
        facts |= {"first_time": time_or_none(one.first_time), "last_time": time_or_none(one.last_time)}
        return Slice(metadata=self.metadata(one.metadata), **facts)

    def _activity(self, one: Activity, made: dict[str, Artifact]) -> Activity:
        common: dict[str, Any] = {
            "id": self.names.run(one.id),
            "status": one.status,
            "started_at": time_or_none(one.started_at),
            "ended_at": time_or_none(one.ended_at),
            "script": self._script(one.script),
            "models": tuple(self.names.run(load) for load in one.models),
            "params": numbers(one.params),
            "used": tuple(self.artifact(file) for file in one.used),
            "made": tuple(self._made(one.made, made)),
            "exit_code": one.exit_code if allowed.is_number(one.exit_code) else None,
            "known": coarse(one.known, type(one)),
        }
        return type(one)(**common, **self._own(one))

    def _made(self, files: Iterable[Artifact], made: dict[str, Artifact]) -> Iterable[Artifact]:
        for file in files:
            if file.path not in made and manifest.is_outside(file.path):
                continue  # the copy names no file that its folder does not list
            role = file.role if file.role in ROLES else None
            yield replace(made.get(file.path) or self.artifact(file), role=role)

    def _own(self, one: Activity) -> dict[str, Any]:
        match one:
            case ModelLoad():
                return {"provenance": self.provenance(one.provenance)}
            case Training():
                return {"metrics": self.metrics(one.metrics)}
            case Evaluation():
                return {"metrics": self.metrics(one.metrics), "dataset": self.dataset(one.dataset)}
            case Transformation():
                return {"kind": one.kind if one.kind in allowed.KINDS else "transform"}
        return {}

    def _script(self, one: Script | None) -> Script | None:
        if one is None:
            return None
        return Script(path=self.names.name("script", one.path), version=hash_or_none(one.version), sha256=hash_or_none(one.sha256))

    def _code(self, one: CodeVersion | None) -> CodeVersion | None:
        if one is None:
            return None
        facts = {"git_sha": hash_or_none(one.git_sha), "dirty": one.dirty, "diff_sha256": hash_or_none(one.diff_sha256)}
        facts |= {"sha_variable": "a variable" if one.sha_variable else None}
        kept = {name: self.artifact(file) if file else None for name, file in (("patch", one.patch), ("text", one.text))}
        listed = {"untracked": tuple(map(self.artifact, one.untracked)), "uncovered": tuple(map(self.artifact, one.uncovered))}
        return CodeVersion(**facts, **kept, **listed, script=self._script(one.script), known=coarse(one.known, CodeVersion))  # type: ignore[arg-type]

    def _loader_config(self, said: Json) -> dict[str, Any]:
        if "provenance" not in said:
            return {}
        made = self.provenance(said["provenance"])
        return {"provenance": made, "model_name": made.get("model_name"), "quantization": made.get("quantization")}
