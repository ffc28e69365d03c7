"""Named questions: one .rq file each, its purpose, parameters and example in a comment on top."""
