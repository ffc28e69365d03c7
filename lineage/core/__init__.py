"""Provide what every other package builds on: secrets, safe writing. Knows nothing of experiments."""
