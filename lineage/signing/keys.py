"""Ed25519 keys in files.  The mathematics is that of the `cryptography` library; a key is never shown, logged or copied.

A private key is PEM (PKCS#8) as `new_key` writes it, or an OpenSSH key of type ed25519; a public key is PEM or the line of an OpenSSH `.pub` file.
A passphrase comes from the environment alone, `LINEAGE_KEY_PASSPHRASE`: an argument would stand in the list of processes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lineage.core import limits
from lineage.core.reading import read_whole
from lineage.core.writing import create
from lineage.errors import FormatError, NotFoundError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PASSPHRASE = "LINEAGE_KEY_PASSPHRASE"  # noqa: S105  # the name of a variable
MODE = 0o600
_SSH = (b"ssh-", b"sk-ssh-", b"ecdsa-", b"sk-ecdsa-")  # how the line of an OpenSSH key begins
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def new_key(path: Path) -> Path:
    """Make a private key at *path* (mode 0600, never over a file that is there) and its public half at `<path>.pub`, which is returned."""
    _library()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = path.with_name(f"{path.name}.pub")
    for one in (path, public):
        if one.exists() or one.is_symlink():
            raise UsageError("there is a file already", at=str(one), hint="a key is never overwritten; choose another name")
    secret = _passphrase()
    encryption = form.BestAvailableEncryption(secret) if secret else form.NoEncryption()
    key = Ed25519PrivateKey.generate()
    _write_new(path, key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, encryption), MODE)
    _write_new(public, key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo), 0o644)
    return public


def private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in *path*.

    Raises:
        NotFoundError: there is no such file. FormatError: it holds no Ed25519 key, or the passphrase is missing or wrong.
    """
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    data = _bytes(path)
    load = form.load_ssh_private_key if data.startswith(_OPENSSH) else form.load_pem_private_key
    try:
        key = load(data, _passphrase())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise FormatError("no private key could be read", at=str(path), hint=f"is it a PEM or OpenSSH key, and {PASSPHRASE} its passphrase?") from None  # fmt: skip
    if not isinstance(key, Ed25519PrivateKey):
        raise FormatError("the key is not Ed25519", at=str(path), hint="lineage sign --new-key PATH, or ssh-keygen -t ed25519")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in *path*: PEM, or an OpenSSH line. Raises as `private_key` does; a private key is refused, for it has no business there."""
    _library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    data = _bytes(path)
    if b"PRIVATE KEY" in data:
        raise UsageError("this is a private key", at=str(path), hint="a signature is checked with the public half, the .pub file")
    count = data.count(b"-----BEGIN ") + sum(line.startswith(_SSH) for line in data.splitlines())
    if count > 1:
        raise UsageError(
            f"the file has {count} public keys",
            at=str(path),
            hint="keep one key in a file, and check with each: lineage verify FOLDER --key ONE.pub",
        )
    try:
        key = form.load_ssh_public_key(data) if data.startswith(b"ssh-") else form.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise FormatError("no public key could be read", at=str(path), hint="PEM, or the line of an OpenSSH .pub file") from None
    if not isinstance(key, Ed25519PublicKey):
        raise FormatError("the key is not Ed25519", at=str(path), hint="only Ed25519 is supported")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """What a key is called in an envelope: the SHA-256 of its SubjectPublicKeyInfo in DER. A hint, on which nothing rests."""
    from cryptography.hazmat.primitives import serialization as form

    return hashlib.sha256(key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise UsageError("signatures need the library `cryptography`", hint="pip install 'lineage-prov[signing]'") from None


def _passphrase() -> bytes | None:
    return os.environ[PASSPHRASE].encode() if os.environ.get(PASSPHRASE) else None


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise NotFoundError("no such key", at=str(path), hint="lineage sign --new-key PATH makes one")
    return read_whole(path, limits.KEY, hint="a key file has one key and nothing else")


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """The file is made with its mode, so that at no moment anybody else can read it."""
    with os.fdopen(create(path, mode=mode), "wb") as out:
        out.write(data)
