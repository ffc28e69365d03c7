"""The helper functions of the package, by their old name."""

from lineage import create_artifact_metadata, create_session_manifest, get_git_sha

__all__ = ["create_artifact_metadata", "create_session_manifest", "get_git_sha"]
