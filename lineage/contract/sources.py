"""How each fact is known (known_by.py), as a manifest says it: `"known": {"params": "observed"}` beside the fields of the fact."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lineage.contract.fields import Fields
from lineage.facts import Activity, Artifact, Session
from lineage.known_by import ALL, RECORDED, Known, KnownBy, differing


def known_json(fact: Activity | Artifact | Session) -> dict[str, Any]:
    """How fields are known whose source is not the usual one; nothing where all are."""
    known = differing(type(fact), fact.known)
    return {"known": known} if known else {}


def as_declared(session: Session) -> Session:
    """Return a session of which every fact is known from another tool's file alone."""
    all_declared: Known = {ALL: KnownBy.DECLARED}

    def file(artifact: Artifact) -> Artifact:
        return replace(artifact, known=all_declared, parts=tuple(file(part) for part in artifact.parts))

    def run(activity: Activity) -> Activity:
        used, made = tuple(map(file, activity.used)), tuple(map(file, activity.made))
        return replace(activity, known=all_declared, used=used, made=made)

    return replace(
        session,
        known=all_declared,
        code=replace(session.code, known=all_declared) if session.code else None,
        activities=tuple(map(run, session.activities)),
        artifacts=tuple(map(file, session.artifacts)),
    )


def known_of(fields: Fields) -> Known:
    """How fields are known; a check is not, for no file can say what is checked now."""
    if "known" not in fields:
        return {}
    words, found = {one.value: one for one in RECORDED}, {}
    entries = fields.inside("known")
    for name in fields.mapping("known"):
        word = entries.text(name)
        if word in words:
            found[name] = words[word]
        elif word is not None:
            entries.problem(name, f"expected one of {', '.join(words)}", word)
    return found
