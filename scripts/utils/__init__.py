"""The names by which the experiments' authors know what the package holds."""
