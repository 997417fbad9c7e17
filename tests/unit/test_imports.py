"""Importing everything does nothing: no file written, no socket, no process, no thread, no setting read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WATCH = """
import importlib, os, pkgutil, sys, threading

DONE = ("socket.bind", "socket.connect", "subprocess.Popen", "os.fork", "os.posix_spawn", "os.mkdir")
root = os.getcwd() + os.sep
seen = []

def ours(frame):
    # The innermost frame that is not of the own library of Python decides.
    while frame is not None:
        name = frame.f_code.co_filename
        if "site-packages" in name:
            return False
        if name.startswith(root):
            return True
        frame = frame.f_back
    return False

def watch(event, args):
    if event in DONE or (event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")):
        if ours(sys._getframe(1)):
            seen.append(event)

def modules(package):
    yield package
    for found in pkgutil.walk_packages([package], package + "."):
        if not found.name.endswith("__main__"):
            yield found.name

class Watched(dict):
    def __getitem__(self, key):
        if key.startswith(b"FRIENDSTREAM") and ours(sys._getframe(1)):
            seen.append("a setting")
        return super().__getitem__(key)

os.environ._data = Watched(os.environ._data)
sys.addaudithook(watch)
for package in sys.argv[1:]:
    for module in modules(package):
        importlib.import_module(module)
print(seen, threading.active_count())
"""
PACKAGES = (
    *("schemas", "domain", "runtime", "clients", "registry", "ingress", "processors", "sinks"),
    *("web", "devkit", "cli"),
)


def test_importing_everything_opens_and_starts_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, *PACKAGES],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "FRIENDSTREAM_DATA_DIR": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.split() == ["[]", "1"]
