"""Records where every generated record, checkpoint and score came from, as W3C PROV.

    with lineage.session("artifacts", title="stage 1") as session:
        load = session.model_load(provenance, files=["models/tiny/model.safetensors"])
        with session.generation(model=load, prompts=["prompts.jsonl"], params={"seed": 42}) as run:
            with run.records("sft_training_data.jsonl") as out:
                out.write({"instruction": "...", "response": "..."})

Every name is loaded when it is first used: importing the package costs a training script next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage.auditing.audit import audit as audit
    from lineage.comparison.sessions import diff as diff
    from lineage.comparison.verdict import compare as compare
    from lineage.constraints import validate as validate
    from lineage.errors import LineageError as LineageError
    from lineage.evidence.report import report as report
    from lineage.export import export_folder as export_folder
    from lineage.questions.asking import ask as ask
    from lineage.questions.asking import query as query
    from lineage.recording.helpers import create_artifact_metadata as create_artifact_metadata
    from lineage.recording.helpers import create_session_manifest as create_session_manifest
    from lineage.recording.helpers import get_git_sha as get_git_sha
    from lineage.recording.session import session as session
    from lineage.redaction.redact import redact as redact
    from lineage.signing.sign import sign as sign
    from lineage.trace.asking import impact as impact
    from lineage.trace.asking import path as path
    from lineage.trace.asking import why as why
    from lineage.trace.everything import graph as graph
    from lineage.trace.everything import rdf as rdf
    from lineage.trace.reading import open_library as open_library
    from lineage.trace.record import RecordFile as RecordFile

_HOME = {
    "LineageError": "lineage.errors",
    "RecordFile": "lineage.trace.record",
    "ask": "lineage.questions.asking",
    "audit": "lineage.auditing.audit",
    "compare": "lineage.comparison.verdict",
    "create_artifact_metadata": "lineage.recording.helpers",
    "create_session_manifest": "lineage.recording.helpers",
    "diff": "lineage.comparison.sessions",
    "export_folder": "lineage.export",
    "get_git_sha": "lineage.recording.helpers",
    "graph": "lineage.trace.everything",
    "impact": "lineage.trace.asking",
    "open_library": "lineage.trace.reading",
    "path": "lineage.trace.asking",
    "query": "lineage.questions.asking",
    "rdf": "lineage.trace.everything",
    "redact": "lineage.redaction.redact",
    "report": "lineage.evidence.report",
    "session": "lineage.recording.session",
    "sign": "lineage.signing.sign",
    "validate": "lineage.constraints",
    "why": "lineage.trace.asking",
}
__all__ = [
    "LineageError",
    "RecordFile",
    "ask",
    "audit",
    "compare",
    "create_artifact_metadata",
    "create_session_manifest",
    "diff",
    "export_folder",
    "get_git_sha",
    "graph",
    "impact",
    "open_library",
    "path",
    "query",
    "rdf",
    "redact",
    "report",
    "session",
    "sign",
    "validate",
    "why",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lineage' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
