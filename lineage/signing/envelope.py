"""DSSE v1 envelopes (https://github.com/secure-systems-lab/dsse): bytes under signatures.  Knows nothing of what the bytes say.

What is signed is the *pre-authentication encoding* of type and payload, so a payload of one type never passes for another.

`parsed` takes whatever DSSE allows, from any implementation. A file of a folder (`read`) has to be, byte for byte, what `signed` writes: spaces, the order of
keys and further signatures are under no signature, and the next envelope names this one by the digest of all its bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from lineage.contract.strict import loads
from lineage.core import limits
from lineage.errors import FormatError
from lineage.signing.keys import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

IN_TOTO = "application/vnd.in-toto+json"
MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with its signatures."""

    payload_type: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]  # (key id, signature)
    sha256: str  # of the file: what the next session's statement names


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: lengths are bytes, in ASCII decimal."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signed(payload: bytes, key: Ed25519PrivateKey, payload_type: str = IN_TOTO) -> bytes:
    """*payload* in an envelope with one signature; the same payload and key give the same bytes."""
    return _written(payload, payload_type, key_id(key.public_key()), key.sign(pae(payload_type, payload)))


def _written(payload: bytes, payload_type: str, name: str, signature: bytes) -> bytes:
    whole = {"payload": _text(payload), "payloadType": payload_type, "signatures": [{"keyid": name, "sig": _text(signature)}]}
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(path: Path) -> Envelope:
    """The envelope in *path*, which has one signature and is written as `signed` writes it.

    Raises FormatError when it is not, or is no regular file (a pipe would never end), and OSError.
    """
    if path.is_symlink() or not path.is_file():
        raise FormatError("not a regular file", at=str(path), hint="a signature is a file of its own")
    if path.stat().st_size > limits.JSON:
        raise FormatError(f"larger than {limits.JSON} bytes", at=str(path), hint="no signature is so large")
    data = path.read_bytes()
    found = parsed(data, str(path))
    if len(found.signatures) > 1:
        raise FormatError(
            "it has more signatures than one", at=str(path), hint="lineage sign writes one; keep others in a file of their own"
        )
    if _written(found.payload, found.payload_type, *found.signatures[0]) != data:
        raise FormatError(
            "the bytes are not those that lineage sign writes",
            at=str(path),
            hint="it was written anew by something else; put back the file that was signed",
        )
    return found


def parsed(data: bytes, at: str) -> Envelope:
    """*data* as an envelope, however it is written. Raises FormatError."""
    said, problems = loads(data)
    if problems or not isinstance(said, dict) or not _has_shape(said):
        detail = f": {problems[0][0]}" if problems else ""
        raise FormatError(f"this is no DSSE envelope{detail}", at=at, hint="payload, payloadType and signatures are needed")
    try:
        signatures = tuple((str(one.get("keyid") or ""), _decoded(one["sig"])) for one in said["signatures"])
        payload = _decoded(said["payload"])
    except (binascii.Error, ValueError):
        raise FormatError("the envelope is not base64", at=at, hint="it was damaged") from None
    return Envelope(payload_type=said["payloadType"], payload=payload, signatures=signatures, sha256=hashlib.sha256(data).hexdigest())


def wrong(envelope: Envelope, key: Ed25519PublicKey) -> str | None:
    """None when one of the signatures is by *key*, else why none is. What is signed is compared before anything of it is read."""
    from cryptography.exceptions import InvalidSignature

    message = pae(envelope.payload_type, envelope.payload)
    for _, signature in envelope.signatures:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            continue
        return None
    named = [name for name, _ in envelope.signatures if name]
    if key_id(key) in named:
        return "the signature is not of this payload: one of the two was altered"
    return f"it was signed by another key: {', '.join(name[:16] for name in named) or 'unnamed'}, not {key_id(key)[:16]}"


def foreign(envelope: Envelope, key: Ed25519PublicKey) -> str | None:
    """None when an envelope that was `read` is the one that `signed` wrote with *key*, else why it is not: the name of the key is under no signature."""
    name, problem = envelope.signatures[0][0], wrong(envelope, key)
    if problem or name == key_id(key):
        return problem
    return f"it calls the key {name[:16] or 'nothing'}, which is {key_id(key)[:16]}: the envelope was altered"


def _has_shape(said: dict[str, Any]) -> bool:
    signatures = said.get("signatures")
    texts = (said.get("payload"), said.get("payloadType"))
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES or not all(isinstance(one, str) for one in texts):
        return False
    return all(isinstance(one, dict) and isinstance(one.get("sig"), str) for one in signatures)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """The standard and the URL-safe alphabet, as the specification asks of a reader; only one text stands for the same bytes, though."""
    standard = text.translate(str.maketrans("-_", "+/"))
    data = base64.b64decode(standard, validate=True)
    if _text(data) != standard:
        raise ValueError("bits that stand for nothing")
    return data
