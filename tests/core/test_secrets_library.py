"""Whatever detect-secrets knows by its shape, we know: a new version of it that knows more fails here."""

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lineage.core import secrets

initialize = pytest.importorskip("detect_secrets.core.plugins.initialize", reason="needs detect-secrets")
mapping = pytest.importorskip("detect_secrets.core.plugins.util", reason="needs detect-secrets").get_mapping_from_secret_type_to_class()

# Patterns of detect-secrets that are not ours, and why.
LEFT_OUT = {
    "Basic Auth Credentials": "its letters are more than an address may hold; addresses are drawn in test_secrets.py",
    "JSON Web Token": "it is no token unless its parts are JSON; tokens are drawn in test_secrets.py",
    "SoftLayer Credentials": "by the name of the variable, as all others",
    "Public IP (ipv4)": "an address is no secret",
    "Cloudant Credentials": "by the name of the variable and the user information of the address, as all others",
    "IBM Cloud IAM Key": "by the name of the variable, as all others",
    "IBM COS HMAC Credentials": "by the name of the variable, as all others",
}
LEFT_OUT_PATTERNS = {
    "aws.{0,20}": "40 letters in quotes near the word aws; we find them by the name before them, or behind the id of the key",
    r"\/\/.+\/:_authToken": "by the name, as all others",
    r'(?:\s|=|:|"|^)AP[': "an Artifactory password looks like APAcademy2024",
}


AROUND = {"Private Key": ("-----", "-----")}  # what a pattern leaves out
SHORTEST = 20  # characters; a pattern may allow what no service gives out


def patterns():
    """Each pattern of a plugin that finds secrets by their shape."""
    for kind, plugin in sorted(mapping.items()):
        shapes = getattr(plugin, "denylist", ())
        if kind in LEFT_OUT or not isinstance(shapes, (list, tuple)):
            continue
        for pattern in shapes:
            if not pattern.pattern.startswith(tuple(LEFT_OUT_PATTERNS)):
                yield pytest.param(kind, pattern, id=f"{kind}: {pattern.pattern[:40]}")


def likely(text):
    """Could a service have given *text* out: printable, not short, and with a digit, as random tokens of this length have?"""
    is_printable = text.isascii() and text.strip() == text and all(letter.isprintable() for letter in text)
    has_digit = "PRIVATE KEY" in text or any(letter.isdigit() for letter in text)
    return is_printable and has_digit and len(text) >= SHORTEST


@pytest.mark.parametrize(("kind", "pattern"), list(patterns()))
@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_what_the_library_finds_is_found(kind, pattern, data):
    flags = pattern.flags & ~re.UNICODE & ~re.IGNORECASE | re.ASCII
    before, after = AROUND.get(kind, ("", ""))
    drawn = st.from_regex(re.compile(pattern.pattern, flags), fullmatch=True).map(lambda found: f"{before}{found}{after}")
    found = data.draw(drawn.filter(likely))
    assert secrets.redact(f"x {found} y") != f"x {found} y"
