"""Is a file of records what was recorded, and which of its lines are not?

    index        the sidecar of a file: where each line begins, and a fingerprint of it
    differences  what became of the lines, from two lists of fingerprints
    verify       a file against its manifest and its sidecar
    proof        one line against the root alone, without the file

The root in the manifest is the authority; the sidecar only helps to name the lines.
"""
