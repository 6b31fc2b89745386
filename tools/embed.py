#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn a file into C: an array of its bytes and their number.

    tools/embed.py FILE NAME HEADER >OUT.c

NAME is the array's, NAME_bytes the number's; HEADER declares both.
"""
import sys


def main():
    path, name, header = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read()
    print(f'#include "{header}"\n\nconst char {name}[] = {{')
    for at in range(0, len(data), 20):
        print("    " + ", ".join(str(b - 256 if b > 127 else b) for b in data[at:at + 20]) + ",")
    print(f"}};\nconst size_t {name}_bytes = {len(data)};")


main()
