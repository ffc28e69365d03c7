"""Records where every generated record, checkpoint and score came from, as W3C PROV."""
