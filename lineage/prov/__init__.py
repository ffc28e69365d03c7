"""W3C PROV, with no word of language models.

terms       the vocabulary, one table
statement   a name, a literal, a statement, and a batch of statements that differ only in a few places
document    namespaces, statements and bundles
bridge      to and from the `prov` library, which reads and writes the formats that we do not
"""
