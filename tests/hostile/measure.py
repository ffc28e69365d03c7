"""Run a command under limits and write its exit code, seconds of CPU and bytes of memory to standard output, as JSON.

Linux counts the memory of the process that forks to the one that it starts, so a small process must do it.
Usage: measure.py OUTPUT SECONDS COMMAND…
"""

import json
import os
import resource
import signal
import sys
import time

AS, CPU = 6 << 30, 20  # bytes; seconds


def main(output, seconds, *command):
    pid = os.fork()
    if pid == 0:
        out = os.open(output, os.O_WRONLY)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
        resource.setrlimit(resource.RLIMIT_AS, (AS, AS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.execv(command[0], command)
    end = time.monotonic() + float(seconds)
    while not (ended := os.wait4(pid, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    used = ended[2]
    print(json.dumps([os.waitstatus_to_exitcode(ended[1]), used.ru_utime + used.ru_stime, used.ru_maxrss << 10]))


main(*sys.argv[1:])
