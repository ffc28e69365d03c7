"""Real language models, run by transformers (needs the extra `models`).

tiny       a model folder small enough to be made on the spot
practice   a trained base, and a copy of it that was taught to chat
encoding   text to ids, and the guard against chat markup among them
sentinels  is it a clean base model? The tests that must pass
behaviour  what it does with plain text and with chat markup: advice
identity   what a loaded model is, read off the loaded objects and their files
loader     CleanModelLoader: all of that in one call
generation completions from fully specified parameters
stages     what the experiment scripts share
compared   a base and the same base with its adapter, by one measure
training   LoRA on recorded examples
evaluation scores on held-out examples
replay     make a record again, and say what held
hooks      a callback of the Trainer and a wrapper of `generate`, for scripts of the user's own
demo       the main job from end to end: `lineage demo`
"""
