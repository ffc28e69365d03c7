"""Serialise once what records share: their metadata, up to the values that are each record's own.

Records with equal parameters share one `Prepared`. A record then costs the serialisation of its own
content, its seed, its time and its index.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TYPE_CHECKING, Any

import orjson

from lineage.contract.plain import plain
from lineage.contract.strict import loads
from lineage.contract.writing import kindly
from lineage.errors import RecordError
from lineage.recording.calls import DIFFER, Call
from lineage.recording.tally import Part, Tally

if TYPE_CHECKING:
    from lineage.recording.run import Run

Params = Mapping[str, Any]
MAX_PREPARED = 4096  # beyond it all are forgotten, and prepared again as they come
VARIED = "records say values of their own"
OPTION = orjson.OPT_SERIALIZE_NUMPY


class Prepared:
    """The text around a record's own values, and the slice that it belongs to."""

    __slots__ = ("after", "before", "part")

    def __init__(self, shared: Mapping[str, Any], params: Params, part: Part, *, is_seeded: bool) -> None:
        front, rest = _around_seed(params) if is_seeded else (b"", dump(params)[1:-1])
        self.before = b',"metadata":{' + dump(shared)[1:-1] + b',"generation_params":{' + front
        self.after = rest + b'},"timestamp":"'
        self.part = part


def _around_seed(params: Params) -> tuple[bytes, bytes]:
    """The parameters in their order, in front of the number that is the seed and behind it."""
    keys = list(params)
    place = keys.index("seed")
    front = dump({key: params[key] for key in keys[:place]})[1:-1]
    rest = dump({key: params[key] for key in keys[place + 1 :]})[1:-1]
    return (front + b"," if front else b"") + b'"seed":', b"," + rest if rest else b""


class Preparation:
    """The metadata of the records that one writer of a run writes."""

    def __init__(self, run: Run, tally: Tally) -> None:
        self._run, self._tally = run, tally
        self._shared = run.shared_metadata()
        self._varied = {"seed"}  # the parameters of which records had values of their own; of seeds that goes without saying
        self._call: tuple[Call, Prepared, int | None] | None = None  # the last one, prepared
        self.learn()

    def learn(self) -> None:
        """Take the parameters of the run as they are now: it may have learnt some since."""
        self.params = self._run.params
        self._prepared: dict[bytes, Prepared] = {}
        self._seedless: dict[bytes, Prepared] = {}  # the same for records to which no number is a seed
        self._call = None
        seed = self.params.get("seed")
        self.seed = seed if type(seed) is int else None
        self.usual: Prepared | None = None

    def usual_now(self) -> Prepared:
        """What is around a record without parameters of its own. It is prepared for the first such record: slices are ordered by their first."""
        self.usual = self._of({}, b"{}", self.seed)
        return self.usual

    def of(self, own: Params | None, call: Call | None, gaps: Mapping[str, str]) -> tuple[Prepared, int | None]:
        """What is around a record with parameters of its *own*, made by *call*; and its seed.

        *gaps* say what of its metadata is not known.
        """
        if gaps or call is not None:
            return self._of_call(own, call, gaps)
        return self.of_own(own) if own else (self.usual or self.usual_now(), self.seed)

    def of_own(self, own: Params) -> tuple[Prepared, int | None]:
        """What is around a record with parameters of its *own*, and its seed."""
        rest, seed = own, own.get("seed", self.seed)
        if type(seed) is not int:
            seed = None
        elif "seed" in own:
            if len(own) == 1:
                return self._prepared.get(b"{}") or self._of({}, b"{}", seed), seed
            rest = {**own}
            del rest["seed"]
        try:
            text = orjson.dumps(rest, option=OPTION)
        except TypeError:
            return self._unusual(rest, {}, seed), seed
        return (self._prepared if seed is not None else self._seedless).get(text) or self._of(rest, text, seed), seed

    def _of(self, rest: Params, text: bytes, seed: int | None) -> Prepared:
        """Prepare what was not met yet: records with the parameters *rest*, of which the JSON is *text*."""
        prepared = self._prepared if seed is not None else self._seedless
        if text not in prepared:
            if len(prepared) >= MAX_PREPARED:
                prepared.clear()
            prepared[text] = self._unusual(rest, {}, seed)
        return prepared[text]

    def _of_call(self, own: Params | None, call: Call | None, gaps: Mapping[str, str]) -> tuple[Prepared, int | None]:
        if self._call and self._call[0] is call and not own and not gaps:
            return self._call[1:]
        given = own or {}
        merged = {**(call.params if call else {}), **given}
        unknown = {f"generation_params.{key}": reason for key, reason in call.gaps.items() if key not in given} if call else {}
        differing = {key for key, reason in call.gaps.items() if reason == DIFFER and key not in given} if call else set()
        seed = merged.get("seed", None if "seed" in differing else self.seed)
        seed = seed if type(seed) is int else None
        prepared = self._unusual(merged, {**unknown, **gaps}, seed, varying=given, without=differing)
        if call and not own and not gaps:
            self._call = (call, prepared, seed)
        return prepared, seed

    def _unusual(
        self,
        own: Params,
        gaps: Mapping[str, str],
        seed: int | None,
        varying: Params | None = None,
        without: Set[str] = frozenset(),
    ) -> Prepared:
        """Prepare records with parameters of their *own*. Of those, *varying* are the ones that no call of a model had.

        They are *without* these parameters of the run, which were others in the calls.
        """
        params, lost = own_params(own, self._run)
        self._varied |= self._lost(lost)
        self._varies(params if varying is None else {key: params[key] for key in varying if key in params})
        merged = {**{key: value for key, value in self.params.items() if key not in without}, **params}
        if seed is not None:
            merged = {**merged, "seed": seed} if "seed" in merged else {"seed": seed, **merged}
        shared = {**self._shared}
        if gaps or lost:
            shared["gaps"] = {**shared.get("gaps", {}), **lost, **gaps}
        known = loads(dump({**shared, "generation_params": merged}))[0]  # as a reader finds it
        known["generation_params"].pop("seed", None)
        return Prepared(shared, merged, self._tally.part(known), is_seeded=seed is not None)

    def _lost(self, lost: Mapping[str, str]) -> set[str]:
        """Have the run say why values of its records' parameters are not recorded; return the names of the parameters."""
        reasons = {about.replace("generation_params", "params", 1): reason for about, reason in lost.items()}
        self._run.hidden(reasons)
        return {about.removeprefix("params.") for about in reasons}

    def _varies(self, own: Params) -> None:
        """Have the run say which of its parameters are not those of every record."""
        differing = {key for key, value in own.items() if key not in self.params or value != self.params[key]}
        for key in sorted(differing - self._varied):
            self._varied.add(key)
            self._run.gap(f"params.{key}", VARIED)


def own_params(own: Params, run: Run) -> tuple[dict[str, Any], dict[str, str]]:
    """The parameters of one record as they are written, and why others are not. Every record's own parameters pass through here."""
    with run.session.guard("parameters of records", ours=True):
        told, gaps = plain(own, "generation_params")
        dump(told)
        return told, {gap.about: gap.reason for gap in gaps}
    return {}, {"generation_params": "they could not be serialised"}


def dump(value: object, at: str = "record") -> bytes:
    """*value* as one line of JSON. NaN and infinities become null; what JSON cannot hold raises RecordError."""
    try:
        return orjson.dumps(value, option=OPTION)
    except TypeError as refused:  # orjson is stricter than JSON: integers over 64 bits, lone surrogates, keys that are numbers
        return dump_kindly(value, at, refused)


def dump_kindly(value: object, at: str, refused: TypeError) -> bytes:
    """The same for a value that orjson refused."""
    try:
        return kindly(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordError(f"JSON cannot hold it: {error}", at=at, hint="write strings, numbers, lists and dicts") from refused
