"""Compiles lineage/kernel/kernel.c when the package is built or installed.  Without a C compiler the package is whole, and slower."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE, TARGET = "lineage/kernel/kernel.c", "lineage/kernel/kernel.so"
FLAGS = ["-std=c99", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra"]


def compile_kernel(root: Path) -> str:
    """Compile it; returns why it was not, or ""."""
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(compiler[0]) is None:
        return f"there is no C compiler ({compiler[0]})"
    made = root / f"{TARGET}.{os.getpid()}.tmp"
    source = hashlib.sha256((root / SOURCE).read_bytes()).hexdigest()
    done = subprocess.run(
        [*compiler, *FLAGS, f'-DSOURCE="{source}"', "-o", made, root / SOURCE], capture_output=True, text=True, check=False
    )
    if done.returncode:
        made.unlink(missing_ok=True)
        return f"{compiler[0]} could not compile {SOURCE}:\n{done.stderr}"
    made.replace(root / TARGET)
    return ""


class CustomBuildHook(BuildHookInterface):
    """Puts the compiled kernel into the wheel, and beside its source for an editable install."""

    def initialize(self, version: str, build_data: dict) -> None:
        if self.target_name != "wheel":
            return
        problem = compile_kernel(Path(self.root))
        if problem:
            self.app.display_warning(f"lineage: the fast loops are left out: {problem}")
            return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        build_data["artifacts"].append(TARGET)
