"""A session signed, and what a signature still proves.

keys          Ed25519 keys in files: new, private, public
envelope      DSSE v1: bytes and signatures, with no word of what is signed
statement     a session as an in-toto Statement v1: its files, its Merkle roots, the signature before it
sign          sessions of a folder -> `session_<id>.dsse.json` beside each manifest
check         those files against a public key and the disk: what is seen there (seen), the files that were signed (held),
              what was not (uncovered, strangers), numbers that changed (reports)
chain         that no session is gone from between
consequences  the records, models and scores that rest on what does not hold
"""
