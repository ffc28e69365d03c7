"""How things are called in the graph: the vocabularies, and an identifier for each fact.

Every local name is letters, digits, `-` and `_` and begins with a letter, so it is a name in Turtle, PROV-N and XML alike.
Files are named by content, so that the same data set is one node wherever it was used; what has no digest is named within its
session. The terms of `lin` stand in ontology.ttl; the namespaces are not registered yet.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from lineage.facts import Artifact, CodeVersion, Json, ModelLoad, Origin, Script, Session, Slice
from lineage.prov.statement import Name, Namespace
from lineage.prov.terms import PROV as _PROV
from lineage.prov.terms import RDF

PROV = Namespace(_PROV)
LIN = Namespace("https://w3id.org/lineage-prov/ns#")
PARAM = Namespace("https://w3id.org/lineage-prov/param#")  # what users called it: parameters, sentinels, keys of their own
MLS = Namespace("http://www.w3.org/ns/mls#")  # ML Schema
FAIR4ML = Namespace("https://w3id.org/fair4ml#")
DQV = Namespace("http://www.w3.org/ns/dqv#")  # W3C Data Quality Vocabulary
DCTERMS = Namespace("http://purl.org/dc/terms/")
SCHEMA = Namespace("https://schema.org/")
ID_BASE = Namespace("https://w3id.org/lineage-prov/id/")

VOCABULARIES: Mapping[str, Namespace] = {
    "lin": LIN,
    "param": PARAM,
    "mls": MLS,
    "fair4ml": FAIR4ML,
    "dqv": DQV,
    "dcterms": DCTERMS,
    "schema": SCHEMA,
    "rdf": Namespace(RDF),
}

# The keys of a manifest and of a loader's provenance, and the roles, that are terms of ours (ontology.ttl); any other is the users' own.
KEYS = frozenset(
    [
        "accelerate_version",
        "add_special_tokens",
        "attention_implementation",
        "bitsandbytes_version",
        "chat_template_sha256",
        "command_line",
        "compute_dtype",
        "cpu_capability",
        "cuda",
        "cudnn",
        "deterministic_algorithms",
        "device",
        "device_map",
        "double_quant",
        "driver",
        "dtype",
        "float32_matmul_precision",
        "gpu",
        "gpus",
        "lineage_version",
        "loader_sha256",
        "trust_remote_code",
        "allow_contaminated",
        "loader_version",
        "model_name",
        "peft_version",
        "platform",
        "prefix_ids",
        "prefix_policy",
        "python_implementation",
        "python_version",
        "quantization",
        "revision",
        "seeds",
        "sentinel_tests_passed",
        "template_disabled",
        "threads",
        "tokenizer_sha256",
        "tokenizers_version",
        "torch_git_version",
        "torch_version",
        "transformers_version",
    ]
)
ROLES = frozenset(["input", "modelFile", "output", "prompts", "records", "report", "testSet", "trainingData", "validationData"])

SHORT = 32  # hex digits of a SHA-256 that name a configuration: 128 bits, no collision by chance
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_NOT_LOCAL = re.compile(r"[^A-Za-z0-9_.-]|^[0-9.-]|\.$")
_ODD = re.compile(r"[^A-Za-z0-9]+")


def role(name: str) -> Name:
    """The role that a file was used or made in: ours where it is one of `ROLES`, else the users' own."""
    return (LIN if name in ROLES else PARAM)[local(name)]


def local(key: str) -> str:
    """*key* as a local name that XML and Turtle hold: what they do not becomes `_xHHHH_`, as ISO 9075-14 writes it."""
    return _NOT_LOCAL.sub(lambda found: f"_x{ord(found[0]):04X}_", key) or "_x_"


def fingerprint(value: object) -> str:
    """A name for a JSON value: equal values have equal names, whatever the order of their keys."""
    return hashlib.sha256(canonical(value)).hexdigest()[:SHORT]


def canonical(value: object) -> bytes:
    """A JSON value as bytes: sorted keys, no spaces. What orjson refuses (integers over 64 bits, lone surrogates) `json` writes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def safe(text: str) -> str:
    """*text* itself where it can stand in a local name; else its letters and digits and a digest of the whole, so that two texts never meet."""
    if _SAFE.fullmatch(text):
        return text
    readable = _ODD.sub("-", text).strip("-")[:40]
    return f"{readable}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}".lstrip("-")


@dataclass(frozen=True, slots=True)
class Ids:
    """The identifier of each fact, under one base IRI."""

    base: Namespace = ID_BASE

    def bundle(self, session: Session) -> Name:
        """The set of statements that tells of the session."""
        return self.base[f"bundle-{safe(session.id)}"]

    def session(self, session: Session) -> Name:
        """The session as an activity."""
        return self.base[f"session-{safe(session.id)}"]

    def run(self, activity_id: str) -> Name:
        """An activity of a session."""
        return self.base[f"run-{safe(activity_id)}"]

    def artifact(self, artifact: Artifact, session: Session) -> Name:
        """A file or folder by its content; without a digest by its path, within the session."""
        if artifact.sha256 is None:
            return self.base[f"file-unread-{fingerprint([session.id, artifact.path])}"]
        return self.base[f"{'folder' if artifact.parts else 'file'}-sha256-{artifact.sha256}"]

    def slice(self, file: Name, part: Slice) -> Name:
        """The records of a file that share their configuration, by the first of their lines."""
        return self.slice_at(file, part.lines[0][0])

    def slice_at(self, file: Name, line: int) -> Name:
        """The slice of a file whose first line is *line*."""
        return Name(f"{file}-slice-L{line}")

    def origin(self, origin: Origin) -> Name:
        """The slice that records were carried over from, else the file."""
        file = self.base[f"file-sha256-{origin.sha256}"]
        return file if origin.slice_line is None else self.slice_at(file, origin.slice_line)

    def record(self, file: Name, line: str) -> Name:
        """One record by its line, counted from 1."""
        return Name(f"{file}-L{line}")

    def metric(self, report: Name, measure: str) -> Name:
        """One number of a report."""
        return Name(f"{report}-metric-{safe(measure)}")

    def base_model(self, load: ModelLoad, session: Session) -> Name:
        """The model that was loaded: by the digests of its files, else by its name and revision."""
        digests = sorted(file.sha256 for file in load.used if file.sha256)
        if digests and len(digests) == len(load.used):
            return self.base[f"model-sha256-{fingerprint(digests)}"]
        name, revision = load.provenance.get("model_name"), load.provenance.get("revision")
        if isinstance(name, str):
            return self.base[f"model-named-{safe(f'{name}@{revision}' if isinstance(revision, str) else name)}"]
        return self.base[f"model-unnamed-{fingerprint([session.id, load.id])}"]

    def loaded_model(self, load_id: str) -> Name:
        """The model in memory that a load made."""
        return self.base[f"model-{safe(load_id)}"]

    def sentinels(self, load_id: str) -> Name:
        """The results of the tests that a load ran."""
        return self.base[f"sentinels-{safe(load_id)}"]

    def plan(self, kind: str, content: Json) -> Name:
        """A configuration or a set of parameters, by content."""
        return self.base[f"{kind}-{fingerprint(content)}"]

    def code(self, code: CodeVersion) -> Name | None:
        """A state of the code: a commit, a commit with changes, or a script by its digest; None where nothing names it."""
        if code.git_sha and code.dirty:
            changes: list[object] = [code.diff_sha256, [part.sha256 for part in code.untracked]]
            if code.uncovered:
                changes += [code.patch.sha256 if code.patch else None, [[part.path, part.sha256] for part in code.uncovered]]
            return self.base[f"code-{safe(code.git_sha)}-dirty-{fingerprint(changes)}"]
        if code.git_sha and code.sha_variable:
            return self.base[f"code-{safe(code.git_sha)}-declared"]
        if code.git_sha:
            return self.base[f"code-{safe(code.git_sha)}"]
        return self.base[f"code-sha256-{code.script.sha256}"] if code.script and code.script.sha256 else None

    def commit(self, sha: str) -> Name:
        """A git commit."""
        return self.base[f"code-{safe(sha)}"]

    def script(self, script: Script, session: Session) -> Name:
        """A program at a version; without one, within its session."""
        return self.base[f"script-{safe(script.path)}-{self._version(script.version, script.sha256, session)}"]

    def loader(self, version: str | None, session: Session) -> Name:
        """The loader at a version; without one, within its session."""
        return self.base[f"loader-{self._version(version, None, session)}"]

    def software(self, name: str, version: str) -> Name:
        """A library at a version."""
        return self.base[f"software-{safe(name)}-{safe(version)}"]

    def operator(self, name: str) -> Name:
        """Who ran the session."""
        return self.base[f"operator-{safe(name)}"]

    def _version(self, version: str | None, sha256: str | None, session: Session) -> str:
        known = "-".join(part for part in (safe(version) if version else "", sha256[:16] if sha256 else "") if part)
        return known or f"unversioned-{fingerprint(session.id)[:12]}"
