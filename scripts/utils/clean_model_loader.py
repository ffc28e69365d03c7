"""`CleanModelLoader`, by its old name."""

from lineage.models.loader import CleanModelLoader

__all__ = ["CleanModelLoader"]
