"""Compiles lineage/kernel/*.c when the package is built or installed.  Without a C compiler the package is whole, and slower."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "lineage/kernel"
FLAGS = ["-std=c11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra"]
FOR_PYTHON = [f"-I{sysconfig.get_path('include')}"]  # batch.c is an extension module with the stable ABI
if sysconfig.get_platform().startswith("macosx"):
    FOR_PYTHON += ["-undefined", "dynamic_lookup"]
TARGETS = {"kernel.so": ("kernel.c", []), "batch.abi3.so": ("batch.c", FOR_PYTHON)}


def compile_target(root: Path, target: str) -> str:
    """Compile one library; returns why it was not, or ""."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(compiler[0]) is None:
        return f"there is no C compiler ({compiler[0]})"
    name, more = TARGETS[target]
    source, made = root / FOLDER / name, root / FOLDER / f"{target}.{os.getpid()}.tmp"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    done = subprocess.run(
        [*compiler, *FLAGS, *more, f'-DSOURCE="{digest}"', "-o", made, source], capture_output=True, text=True, check=False
    )
    if done.returncode:
        made.unlink(missing_ok=True)
        return f"{compiler[0]} could not compile {FOLDER}/{name}:\n{done.stderr}"
    made.replace(root / FOLDER / target)
    return ""


class CustomBuildHook(BuildHookInterface):
    """Puts the compiled libraries into the wheel, and beside their sources for an editable install."""

    def initialize(self, version: str, build_data: dict) -> None:
        if self.target_name != "wheel":
            return
        for target in TARGETS:
            problem = compile_target(Path(self.root), target)
            if problem:
                self.app.display_warning(f"lineage: {target} is left out, what it does is slower: {problem}")
                continue
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
            build_data["artifacts"].append(f"{FOLDER}/{target}")
