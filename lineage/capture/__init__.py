"""The one room that looks at the world: files, git, the machine.  It never raises for what cannot be learnt: that is a `Gap`.

files         digests, cached by what the file system says
places        does a file lie in its folder?
git           the code version: commit, changes, untracked scripts
environment   Python, packages, torch if it is loaded, chosen variables
gpu           what nvidia-smi says
process       which process this is, and who runs it
"""
