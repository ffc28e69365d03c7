"""Real language models, run by transformers (needs the extra `models`).

tiny       a model folder small enough to be made on the spot
clean      loads a base model with its chat template off, and says what was loaded
complete   one completion at a time, from fully specified parameters
demo       the main job from end to end: `lineage demo`
"""
