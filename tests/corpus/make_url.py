#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write tests/corpus/url/: URLs that lead inside by each spelling, some that do not, and addresses.

    tests/corpus/make_url.py FOLDER
"""
import ipaddress
import pathlib
import sys

URLS = {
    "plain": "https://example.com/a.png?b=c#d", "port": "https://example.com:8443/",
    "decimal": "https://2130706433/", "hex": "https://0x7f000001/", "octal": "https://0177.0.0.1/",
    "short": "https://127.1/", "zero": "https://0/", "metadata": "https://169.254.169.254/latest",
    "user": "https://a:b@127.0.0.1/", "host-in-user": "https://example.com@127.0.0.1/",
    "host-in-fragment": "https://127.0.0.1:443#@example.com/",
    "backslash": "https://127.0.0.1\\@example.com/", "six": "https://[::1]/",
    "mapped": "https://[::ffff:127.0.0.1]/", "nat64": "https://[64:ff9b::7f00:1]/",
    "zone": "https://[fe80::1%25lo]/", "full-width": "https://１２７.0.0.1/",
    "circled": "https://①②⑦.1/", "escaped": "https://%31%32%37.0.0.1/",
    "dot": "https://127.0.0.1./",
    "upper": "HTTPS://LOCALHOST/", "http": "http://127.0.0.1:1/", "file": "file:///etc/passwd",
    "no-host": "https:///a", "line-end": "https://example.com/\r\nX: 1", "blank": "https://a b/",
    "empty": "", "bracket": "https://[/", "not-utf-8": "https://\udcff\udcfe/",
    "long": "https://example.com/" + "a" * 7990,
}
ADDRESSES = ["127.0.0.1", "10.1.2.3", "8.8.8.8", "100.64.0.1", "169.254.169.254", "224.0.0.1",
             "::1", "::ffff:10.0.0.1", "64:ff9b::8.8.8.8", "2002:7f00:1::", "2606:4700::1111",
             "fe80::1"]


def main():
    """All of them."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, url in URLS.items():
        (folder / name).write_bytes(url.encode("utf-8", "surrogateescape"))
    for number, text in enumerate(ADDRESSES):
        address = ipaddress.ip_address(text)
        (folder / f"address-{number}").write_bytes(bytes([address.version]) + address.packed)


if __name__ == "__main__":
    main()
