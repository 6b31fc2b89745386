#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command and print the most memory it had, in MB: peak_memory.py COMMAND [ARGUMENT ...]

The standard library only, because a child begins with its parent's peak.
"""
import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:], check=False).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(status)
