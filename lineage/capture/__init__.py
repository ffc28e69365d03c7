"""The one room that looks at the world: files, git, the machine.  It never raises for what cannot be learnt: that is a `Gap`.

files         digests, cached by what the file system says
folders       the files of a folder, and the digest over them
reading       regular files, opened and hashed; devices and files of the kernel refused
compared      a file or folder against its record
places        does a file lie in its folder?
git           the code version: commit, changes, untracked programs
program       what Python runs: a script, a notebook, text
code_text     patches and executed code, kept beside the manifest
environment   Python, packages, torch if it is loaded, chosen variables
gpu           what nvidia-smi says
process       which process this is, and who runs it
"""
