"""Files that a session writes by itself: none can be an artifact, for its bytes change afterwards."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lineage.contract import journal, manifest
from lineage.errors import UsageError

SIDECARS = ".lineage"
_PROV = re.compile(r"session_\d{8}T\d{6}Z-[0-9a-f]{12}\.")
HINT = "record the files that the experiment made"


def refuse_own(target: Path, folder: Path, graphs: Path | None) -> None:
    """Raise a UsageError where *target* is a file or folder that recording or exporting writes.

    Args:
        target: The path of an output.
        folder: The session's folder.
        graphs: Where the combined graph goes; None where exporting decides it.
    """
    real, root = Path(os.path.realpath(target)), Path(os.path.realpath(folder))
    if real == root:
        raise UsageError("the session's own folder is no output of it", at=str(target), hint=HINT)
    if real.is_relative_to(root) and _is_own(real.relative_to(root)):
        raise UsageError("the session writes this file itself", at=str(target), hint=HINT)
    if "graphs" in real.parts or graphs is not None:
        _refuse_graphs(target, real, _graphs(folder, graphs))


def _is_own(name: Path) -> bool:
    first = name.parts[0]
    is_manifest = first.startswith(manifest.PREFIX) and first.endswith(manifest.SUFFIX)
    is_prov = _PROV.match(first) is not None
    return is_manifest or is_prov or journal.is_called(first) or SIDECARS in name.parts


def _graphs(folder: Path, graphs: Path | None) -> Path:
    from lineage.export import graphs_of  # it loads rdflib: only where an output may be a graph

    return Path(os.path.realpath(graphs or graphs_of(folder)))


def _refuse_graphs(target: Path, real: Path, graphs: Path) -> None:
    is_graph = real.parent == graphs and real.name.startswith("lineage.")
    if is_graph or real == graphs or graphs.is_relative_to(real):
        raise UsageError("exporting writes the graphs there", at=str(target), hint=HINT)
