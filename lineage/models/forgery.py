"""A copy of the demo's artifacts in which one record, one number of a report and one file name were forged, for `lineage audit` to find."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lineage.core.writing import replace_file

LINE = 2  # of the file of records, whose response is forged
RENAMED = "held_out_easier.jsonl"


def forged(artifacts: Path, copy: Path) -> Path:
    """Copy *artifacts* to *copy*, which must not be there, and forge it. Raises OSError."""
    shutil.copytree(artifacts, copy)
    records, report = (sorted(copy.glob(pattern))[-1] for pattern in ("sft_training_data_*.jsonl", "evaluation_*.json"))
    lines = records.read_text().splitlines(keepends=True)
    record = json.loads(lines[LINE - 1])
    lines[LINE - 1] = json.dumps({**record, "response": "forged"}) + "\n"
    replace_file(records, "".join(lines).encode())
    told = json.loads(report.read_text())
    replace_file(report, json.dumps({**told, "summary": dict.fromkeys(told["summary"], 0.99)}).encode())
    (copy / "inputs" / "held_out.jsonl").rename(copy / "inputs" / RENAMED)
    return copy
