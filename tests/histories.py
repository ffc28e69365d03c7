"""Histories of many sessions like real ones, made up from a seed: the same seed gives the same facts.

    history(7, sessions=50)             facts only; files stand for up to 1,000,000 records each, and nothing is on disk
    history(7, 12, folder=tmp_path)     the same kind of history with its files and manifests in a folder, as a user has them
    history(7, 12, folder=tmp_path, clean=True)     one in which nothing went wrong, as an auditor wants it

In each: several machines, operators and environments; dirty and clean code; loaders at several commits, of which `BAD` is one; sentinels
that passed, failed or were not run; generations, merges and filters of files of earlier sessions (their records keep the `run_id` that
made them), trainings, loads of adapters, evaluations; sessions that failed, were interrupted or still run; files without a manifest, and
records without metadata. The answers, computed from the facts alone, are in oracles.py.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lineage.contract import manifest
from lineage.contract.writing import session_json
from lineage.facts import (
    Activity,
    Artifact,
    CodeVersion,
    Evaluation,
    Gap,
    Generation,
    ModelLoad,
    Script,
    Session,
    Slice,
    Training,
    Transformation,
)
from lineage.mapping.names import canonical, fingerprint

LOADERS = tuple(hashlib.sha1(f"loader {n}".encode(), usedforsecurity=False).hexdigest() for n in range(5))
BAD = LOADERS[2]  # the loader commit with the bug
COMMITS = tuple(hashlib.sha1(f"commit {n}".encode(), usedforsecurity=False).hexdigest() for n in range(6))
START = datetime(2025, 9, 20, 8, tzinfo=UTC)  # two weeks before the cut-over of the methodology
MODELS = ("Qwen/Qwen2.5-32B", "google/gemma-2-9b", "meta-llama/Llama-3.1-8B")
MACHINES = (
    {"python_version": "3.11.9", "torch_version": "2.4.1", "transformers_version": "4.46.0", "gpu": "NVIDIA A100", "platform": "linux"},
    {"python_version": "3.12.4", "torch_version": "2.5.0", "transformers_version": "4.46.0", "gpu": None, "platform": "linux"},
    {"python_version": "3.11.9", "torch_version": "2.5.0", "transformers_version": "4.57.1", "gpu": "NVIDIA H100", "platform": "linux"},
)
OPERATORS = ("ada", "grace", None)
EFFECTIVE = {
    "do_sample": True,
    "top_k": 0,
    "top_p": 1.0,
    "repetition_penalty": 1.0,
    "num_beams": 1,
}  # parameters that a clean run says besides
KINDS = ("generate", "generate", "generate", "merge", "filter", "train", "evaluate", "evaluate", "legacy")


def sha(*key: object) -> str:
    """A digest that only this key has."""
    return hashlib.sha256(repr(key).encode()).hexdigest()


@dataclass
class _Model:
    """What can be loaded: a base, or a base with an adapter."""

    name: str
    files: tuple[Artifact, ...]
    revision: str | None


@dataclass
class _Disk:
    """Where bytes go: to a folder, or nowhere, and then their key is their digest."""

    folder: Path | None
    lines: dict[str, list[bytes]] = field(default_factory=dict)  # the lines of each file of records, where there is a folder

    def put(self, artifact: Artifact, data: bytes) -> Artifact:
        """The artifact with its digest; its bytes on disk, if there is one."""
        if self.folder is None:
            return replace(artifact, sha256=sha("bytes", artifact.path, data[:2000]), bytes=len(data) or 1)
        path = self.folder / artifact.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return replace(artifact, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    def put_lines(self, artifact: Artifact, lines: list[bytes]) -> Artifact:
        """A file of records; without a disk *lines* is one line that tells this file from others."""
        if self.folder is not None:
            self.lines[artifact.path] = lines
        return self.put(artifact, b"".join(lines))


class _World:
    """What is there when a session starts."""

    def __init__(self, seed: int, folder: Path | None, most: int, clean: bool = False) -> None:
        self.random, self.disk, self.most, self.clean = random.Random(seed), _Disk(folder), most, clean
        self.time, self.number = START, 0
        self.records: list[Artifact] = []  # files of records, with their slices
        self.adapters: list[Artifact] = []
        self.prompts = tuple(self._given(f"data/prompts_{n}.jsonl", "prompts") for n in range(3))
        self.tests = tuple(self._given(f"data/held_out_{n}.jsonl", "test_set") for n in range(2))
        self.bases = tuple(_Model(name, (self._given(f"models/{n}/model.safetensors", "model_file"),), None if n else "main") for n, name in enumerate(MODELS))  # fmt: skip

    def _given(self, path: str, type_: str) -> Artifact:
        data = b'{"instruction": "%s"}\n' % path.encode()
        return self.disk.put(Artifact(path=path, type=type_), data)

    def tick(self, *, minutes: int = 1) -> str:
        """The time, which then goes on."""
        self.time += timedelta(minutes=minutes, seconds=self.random.randrange(50))
        return self.time.isoformat(timespec="microseconds")

    def id(self) -> str:
        """An activity's id."""
        return f"{self.random.getrandbits(128):032x}"


def history(
    seed: int, sessions: int = 20, *, folder: Path | None = None, most: int = 1_000_000, clean: bool = False
) -> tuple[Session, ...]:
    """*sessions* sessions, in the order in which they took place, valid together under PROV-CONSTRAINTS.

    With *folder*, its files and manifests are written there and a file holds at most 12 records; else at most *most*. In a *clean* one every
    session ended well, with committed code, one loader that passed its tests, all parameters and every result.
    """
    world = _World(seed, folder, min(most, 12) if folder else most, clean)
    told = tuple(_Telling(world, n).session() for n in range(sessions))
    for one in told if folder else ():
        if one.manifest:
            manifest.path_of(folder, one.id).write_bytes(json.dumps(session_json(one), indent=1).encode())
    return told


class _Telling:
    """One session while it is made up."""

    def __init__(self, world: _World, number: int) -> None:
        self.world, self.number, self.random = world, number, world.random
        world.time += timedelta(hours=self.random.randrange(1, 30))
        self.started = world.tick()
        self.id = f"{world.time:%Y%m%dT%H%M%SZ}-{self.random.getrandbits(48):012x}"
        self.commit = self.random.choice(COMMITS)
        self.machine = dict(self.random.choice(MACHINES))
        self.operator = self.random.choice(OPERATORS)
        self.activities: list[Activity] = []
        self.artifacts: list[Artifact] = []

    def session(self) -> Session:
        """What took place."""
        kind = self.random.choice(KINDS[:-1] if self.world.clean else KINDS) if self.number else "generate"
        if kind == "legacy":
            return self._legacy()
        getattr(self, f"_{kind}")()
        return self._told(kind)

    def _told(self, kind: str) -> Session:
        status = self.activities[-1].status
        packages = {"torch": self.machine["torch_version"], "transformers": self.machine["transformers_version"]}
        return Session(
            id=self.id,
            title=f"{kind} {self.number}",
            status=status,
            started_at=self.started,
            ended_at=None if status == "running" else self.world.tick(),
            operator=self.operator,
            host=f"machine-{self.random.randrange(3)}",
            environment={**self.machine, "packages": packages, "lineage_version": "0.1.0"},
            code=self._code(),
            activities=tuple(self.activities),
            artifacts=tuple(self.artifacts),
            gaps=(Gap("gpu", "no CUDA device"),) if self.machine["gpu"] is None else (),
            manifest=f"{manifest.PREFIX}{self.id}{manifest.SUFFIX}",
        )

    def _code(self) -> CodeVersion:
        dirty = self.random.choice([False, False, True]) and not self.world.clean
        return CodeVersion(
            git_sha=self.commit,
            branch="main",
            dirty=dirty,
            diff_sha256=sha("diff", self.commit, self.random.randrange(2)) if dirty else None,
            script=self._script("generate_stage1_sft_data.py"),
        )

    def _script(self, name: str) -> Script:
        return Script(path=f"scripts/{name}", version=self.commit, sha256=sha("script", name, self.commit))

    # --- what takes place

    def _load(self, model: _Model, loader: str | None = None) -> ModelLoad:
        provenance = self._provenance(model, loader)
        began = self.world.tick()
        passed = provenance["sentinel_tests_passed"]
        gaps = (Gap("sentinels", "not run"),) if passed is None else ()
        load = ModelLoad(
            id=self.world.id(),
            status="completed",
            started_at=began,
            ended_at=self.world.tick(),
            script=self._script("load.py"),
            used=model.files,
            provenance=provenance,
            gaps=gaps,
        )
        self.activities.append(load)
        return load

    def _provenance(self, model: _Model, loader: str | None) -> dict[str, Any]:
        pick = self.random.choice
        told = {"loader_version": loader or pick(LOADERS), "template_disabled": True, "model_name": model.name}
        told |= {"quantization": pick(("nf4", "nf4", "bf16", None)), "sentinel_tests_passed": pick((True, True, False, None))}
        told |= {"add_special_tokens": False, "prefix_policy": pick(("none", "bos")), "revision": model.revision}
        told |= {"loader_version": LOADERS[0], "quantization": "nf4", "sentinel_tests_passed": True} if self.world.clean else {}
        return told | {"compute_dtype": "bfloat16", "double_quant": told["quantization"] == "nf4"}

    def _model(self) -> _Model:
        if self.world.adapters and self.random.random() < 0.5:
            return self._adapted(self.random.choice(self.world.adapters))
        return self.random.choice(self.world.bases)

    def _adapted(self, adapter: Artifact) -> _Model:
        return _Model(adapter.path, (*self.world.bases[0].files, *adapter.parts), None)

    def _run(self, type_: type[Activity], status: str = "completed", **facts: Any) -> Activity:
        """An activity that has made nothing yet."""
        status = "completed" if self.world.clean else status
        running = status == "running"
        if self.world.clean and type_ in (Generation, Evaluation):
            facts["params"] = {**EFFECTIVE, **facts["params"]}
        began = self.world.tick()
        ended = None if running else self.world.tick(minutes=30)
        return type_(id=self.world.id(), status=status, started_at=began, ended_at=ended, **facts)

    def _done(self, run: Activity, *made: tuple[Artifact, str]) -> Activity:
        """The activity with what it made, in its role; the session names it too."""
        run = replace(run, made=tuple(replace(one, activity=run.id, role=role) for one, role in made))
        self.activities.append(run)
        self.artifacts += [replace(one, activity=run.id) for one, _ in made]
        return run

    def _inside(self, run: Activity) -> str | None:
        return run.ended_at or run.started_at

    def _generate(self) -> None:
        for _ in range(self.random.choice((1, 1, 2))):
            load = self._load(self._model())
            status = self.random.choice(("completed", "completed", "completed", "failed", "interrupted", "running"))
            prompts = replace(self.random.choice(self.world.prompts), role="prompts")
            params = {"seed": self.random.randrange(100), "temperature": self.random.choice((0.7, 1.0)), "max_new_tokens": 150}
            script = self._script("generate_stage1_sft_data.py")
            run = self._run(Generation, status, script=script, models=(load.id,), params=params, used=(prompts,))
            shared = _shared(load.provenance, script, dict(run.params), session_id=self.id, run_id=run.id)
            self._records_of(run, shared)

    def _records_of(self, run: Activity, shared: dict[str, Any]) -> None:
        count = self.random.randrange(1, self.world.most + 1)
        seeds = (int(run.params["seed"]), int(run.params["seed"]) + count - 1)
        part = Slice(metadata=shared, lines=((1, count),), count=count, first_time=run.started_at, last_time=self._inside(run), seeds=seeds)
        artifact = self._file(f"sft_training_data_{run.id[:8]}.jsonl", (part,), self._inside(run))
        lines = _lines(part, seeds[0], run.started_at) if self.world.disk.folder else [run.id.encode()]
        artifact = self.world.disk.put_lines(artifact, lines)
        self.world.records.append(artifact)
        self._done(run, (artifact, "records"))

    def _file(self, path: str, slices: tuple[Slice, ...], time: str | None, type_: str = "training_data") -> Artifact:
        return Artifact(path=path, type=type_, count=sum(one.count for one in slices), timestamp=time, slices=slices)

    def _merge(self) -> None:
        self._carry("merge", self._some(self.world.records, 4), every=1)

    def _filter(self) -> None:
        self._carry("filter", self._some(self.world.records, 1), every=self.random.randrange(2, 5))

    def _some(self, among: list[Artifact], most: int) -> list[Artifact]:
        return self.random.sample(among, min(len(among), self.random.randrange(1, most + 1)))

    def _carry(self, kind: str, inputs: list[Artifact], every: int) -> None:
        """Records of earlier files in one new file, one in *every* of each slice; they keep the metadata that they had."""
        used = tuple(replace(one, role="input", slices=None, timestamp=None, activity=None) for one in inputs)
        script, params = self._script(f"{kind}.py"), {"every": every}
        run = self._run(Transformation, kind=kind, script=script, params=params, used=used)
        slices, lines = _carried(inputs, every, self.world.disk)
        artifact = self._file(f"{kind}_{run.id[:8]}.jsonl", slices, self._inside(run))
        artifact = self.world.disk.put_lines(artifact, lines or [run.id.encode()])
        self.world.records.append(artifact)
        self._done(run, (artifact, "records"))

    def _train(self) -> None:
        load = self._load(self._model())
        data = self._some(self.world.records, 2)
        used = tuple(replace(one, role="trainingData", slices=None, timestamp=None, activity=None) for one in data)
        params = {"seed": self.random.randrange(9), "learning_rate": 0.0002, "epochs": 1}
        run = self._run(Training, script=self._script("train_stage1_sft.py"), models=(load.id,), params=params, used=used)
        folder = f"adapter_{run.id[:8]}"
        config = Artifact(path=f"{folder}/adapter_config.json", type="model_file")  # the same in every adapter
        weights = Artifact(path=f"{folder}/adapter_model.safetensors", type="model_file")
        parts = (self._put(config, b'{"r": 16}'), self._put(weights, run.id.encode()))
        listed = "".join(f"{one.sha256}  {one.path.removeprefix(folder + '/')}\n" for one in parts)
        digest = hashlib.sha256(listed.encode()).hexdigest()
        size = sum(one.bytes or 0 for one in parts)
        adapter = Artifact(path=folder, type="model", sha256=digest, bytes=size, timestamp=self._inside(run), parts=parts)
        self.world.adapters.append(adapter)
        self._done(run, (adapter, "output"))

    def _put(self, artifact: Artifact, data: bytes) -> Artifact:
        written = self.world.disk.put(artifact, data)
        return replace(written, sha256=hashlib.sha256(data).hexdigest())  # by content alone: two folders may share a file

    def _evaluate(self) -> None:
        loads = [self._load(self.random.choice(self.world.bases))]
        if self.world.adapters:
            loads.append(self._load(self._adapted(self.random.choice(self.world.adapters))))
        test = replace(self.random.choice(self.world.tests), role="testSet")
        params = {"seed": self.random.randrange(3), "temperature": 0.0, "do_sample": False, "max_new_tokens": 24}
        metrics = {f"{who}_accuracy": round(self.random.random(), 3) for who, _ in zip(("base", "sft"), loads, strict=False)}
        rights = {who: round(12 * value) for who, value in metrics.items()}
        if self.world.clean:
            metrics = {who: right / 12 for who, right in rights.items()}
        dataset = {"name": Path(test.path).stem, "size": 12, "version": test.sha256}
        script = self._script("evaluate_capability.py")
        models = tuple(load.id for load in loads)
        run = self._run(Evaluation, script=script, models=models, params=params, used=(test,), metrics=metrics, dataset=dataset)
        metadata = {"provenance": loads[0].provenance, "script_version": script.version, "decoding_params": params, "dataset": dataset}
        results = []
        if self.world.clean:
            results = [{"model": who.removesuffix("_accuracy"), "correct": n < right} for who, right in rights.items() for n in range(12)]
            metadata["decoding_params"] = run.params
        told = {"summary": metrics, "metadata": {**metadata, "timestamp": self._inside(run), "run_id": run.id}, "results": results}
        report = Artifact(path=f"evaluation_capability_{run.id[:8]}.json", type="evaluation", timestamp=self._inside(run))
        self._done(run, (self.world.disk.put(report, json.dumps(told).encode()), "report"))

    # --- what no manifest tells of

    def _legacy(self) -> Session:
        """Records from before there were sessions: those with metadata are inferred to be generated, the rest are only there."""
        provenance = self._provenance(self.random.choice(self.world.bases), None)
        script = Script(path="script", version=self.commit)
        shared = {"provenance": provenance, "script_version": self.commit, "generation_params": {"temperature": 0.7}}
        first, bare = self.random.randrange(1, self.world.most + 1), self.random.randrange(1, self.world.most + 1)
        slices = (
            Slice(metadata=shared, lines=((1, first),), count=first, first_time=self.started, last_time=self.started, seeds=(1, first)),
            Slice(metadata={}, lines=((first + 1, first + bare),), count=bare),
        )
        artifact = self._file(f"old_{self.random.getrandbits(32):08x}.jsonl", slices, None)
        lines = [artifact.path.encode()]
        if self.world.disk.folder:
            lines = [line for n, one in enumerate(slices) for line in _lines(one, 1 if n == 0 else None, self.started, artifact.path)]
        artifact = self.world.disk.put_lines(artifact, lines)
        self.world.records.append(artifact)
        load = ModelLoad(id=f"inferred-{fingerprint(provenance)}", inferred=True, provenance=provenance)
        run_id = f"inferred-{fingerprint([artifact.sha256, shared])}"
        made = replace(artifact, activity=run_id, role="records", slices=slices[:1])
        run = Generation(id=run_id, inferred=True, made=(made,), models=(load.id,), params=shared["generation_params"], script=script)
        title = "files without a manifest"
        return Session(id=f"unrecorded-{fingerprint([artifact.sha256])}", title=title, activities=(load, run), artifacts=(artifact,))


def _shared(provenance: dict[str, Any], script: Script, params: dict[str, Any], **ids: str) -> dict[str, Any]:
    """The metadata that the records of one slice have in common."""
    settings = {key: value for key, value in params.items() if key != "seed"}
    return {"provenance": provenance, "script_version": script.version, "script_name": script.path, "generation_params": settings, **ids}


def _lines(part: Slice, seed: int | None, time: str | None, salt: str = "") -> list[bytes]:
    """The records of a slice as a file has them."""
    lines = []
    for n in range(part.count):
        record: dict[str, Any] = {"instruction": f"question {n} {salt}", "response": "…"}
        if part.metadata:
            params = {**part.metadata["generation_params"], "seed": (seed or 0) + n}
            record["metadata"] = {**part.metadata, "generation_params": params, "record_index": n, "timestamp": time}
        lines.append(json.dumps(record, ensure_ascii=False).encode() + b"\n")
    return lines


def _carried(inputs: list[Artifact], every: int, disk: _Disk) -> tuple[tuple[Slice, ...], list[bytes]]:
    """One in *every* record of each slice of each file, one after the other; what shares its metadata is one slice again."""
    groups: dict[bytes, Slice] = {}
    lines: list[bytes] = []
    at = 1
    for file in inputs:
        for one in file.slices or ():
            chosen = [number for first, last in one.lines for number in range(first, last + 1)][::every] if disk.folder else ()
            lines += [disk.lines[file.path][number - 1] for number in chosen]
            count = -(-one.count // every)
            key = canonical(one.metadata)
            groups[key] = _joined(groups.get(key), replace(one, lines=((at, at + count - 1),), count=count))
            at += count
    return tuple(groups.values()), lines


def _joined(before: Slice | None, more: Slice) -> Slice:
    """Both as one slice."""
    if before is None:
        return more
    (start, end), (first, last) = before.lines[-1], more.lines[0]
    lines = (*before.lines[:-1], (start, last)) if end + 1 == first else (*before.lines, *more.lines)
    times = [time for time in (before.first_time, before.last_time, more.first_time, more.last_time) if time]
    seeds = [seed for pair in (before.seeds, more.seeds) if pair for seed in pair]
    return replace(
        before,
        lines=lines,
        count=before.count + more.count,
        first_time=min(times, default=None),
        last_time=max(times, default=None),
        seeds=(min(seeds), max(seeds)) if seeds else None,
    )
