"""The sample of scripts/sample_audit, and a key of the test."""

from sampled import folder, key, public, sample  # noqa: F401
