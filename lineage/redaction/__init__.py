"""A folder's publishable copy: what is not allowed by name is not there, and digests and proofs still hold.

allowed   which values may be published: by key and by shape
facts     facts -> facts, new ones made from what is allowed and nothing else
copies    records and reports -> copies that hold commitments instead of text
redact    a folder -> the copy of it
check     what of such a copy still holds, and proofs from it
"""
