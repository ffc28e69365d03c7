"""What an audit finds in the folders that the pages of the documentation make: exactly these rules, each for the reason beside it.

A code that comes or goes is a finding that is false or lost, unless the page changed.
"""

# Reasons that many pages share:
#   unknown-commit      the pages run in folders that are no repositories
#   model-not-recorded  the example of the page leaves the model out
#   params-incomplete   the example names a few parameters
CODES: dict[str, dict[str, set[str]]] = {
    "README": {
        "artifacts": {"unknown-commit"},
        "published": {"unknown-commit"},
    },
    "ask-the-graph": {
        "artifacts": {"clean-load-not-recorded", "params-incomplete", "unknown-commit"},
    },
    "audit-a-folder": {
        "artifacts": {"broken-root", "not-as-signed", "other-sidecar", "prov-stale", "unknown-commit"},
    },
    "code-versions": {
        "artifacts": {"dirty-code"},
    },
    "find-what-is-tainted": {
        "artifacts": {"mixed-loaders", "params-incomplete", "unknown-commit"},
    },
    "first-lineage": {
        "artifacts": {"clean-load-not-recorded", "params-incomplete", "unknown-commit", "unpinned-revision"},
    },
    "keep-secrets-out": {
        "artifacts": {"model-not-recorded", "params-differ", "prov-stale", "secret-recorded", "unknown-commit"},
    },
    "large-files": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
    },
    "name-inputs": {
        "artifacts": {"model-not-recorded", "seed-missing", "unknown-commit"},
    },
    "outputs-and-failures": {
        "artifacts": {"model-not-recorded", "seed-missing", "unknown-commit"},
    },
    "parameters-in-force": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
    },
    "publish": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
        "published": {"model-not-recorded", "unknown-commit"},
    },
    "see-the-lineage": {
        "artifacts": {"clean-load-not-recorded", "params-incomplete", "seed-missing", "unknown-commit"},
    },
    "serve": {
        "artifacts": {"clean-load-not-recorded", "params-incomplete", "unknown-commit"},
    },
    "session-lifecycle": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
        "notebook": {"model-not-recorded", "unknown-commit"},
        "tasks": {"model-not-recorded", "unknown-commit"},
    },
    "several-processes": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
    },
    "sign-and-verify": {
        "signed": {"model-not-recorded", "unknown-commit"},
    },
    "values-and-metrics": {
        "artifacts": {"model-not-recorded", "unknown-commit"},
    },
    "verify-records": {
        "artifacts": {"altered-file", "count-differs", "model-not-recorded", "unknown-commit"},
    },
    "why-a-record": {
        "artifacts": {"edited-record", "params-incomplete", "unknown-commit", "unpinned-revision"},
    },
    "wrap-a-script": {
        "artifacts": {"seed-missing", "unknown-commit"},
    },
}
