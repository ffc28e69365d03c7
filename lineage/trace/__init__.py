"""Where things came from.

record     one record: its slice, run, model loads, script, prompts and session, and the record it was carried over from
"""
