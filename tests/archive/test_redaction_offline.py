"""Redaction never reaches the network, and costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, socket, sys, threading

class Refused(BaseException):  # no "except Exception" can hide it
    pass

opened = []

def refuse(*given, **_):
    raise Refused(given)

def no_socket(*given, **_):
    opened.append(given)
    raise OSError("no socket")

def no_network(event, given):
    if event.startswith("socket.") and event != "socket.__new__":
        raise Refused(event, given)

socket.socket.__init__ = no_socket
socket.create_connection = socket.getaddrinfo = threading.Thread.start = refuse
sys.addaudithook(no_network)
os.environ["DATAFOG_TELEMETRY"] = "1"  # asked for, and still off

import chatapp.archive.review
from chatapp.archive.redaction import find, redact
heavy = {"datafog", "detect_secrets", "requests", "pydantic"} & set(sys.modules)
assert not heavy, heavy
from tests.archive.redaction_samples import IN_CONTEXT, VALUES
text = "\\n".join([v for _, v in VALUES] + [a.format(v) for _, a, v in IN_CONTEXT])
assert len(find(text)) >= len(VALUES) + len(IN_CONTEXT)
assert "datafog" in sys.modules and "detect_secrets" in sys.modules
# requests, which detect-secrets imports, asks at import whether this machine has IPv6.
assert [given[1:] for given in opened] in ([], [(socket.AF_INET6,)]), opened
opened.clear()
assert len(find(text + " again")) and redact(text, find(text)) != text
assert not opened, opened
from datafog.telemetry import _is_telemetry_enabled
assert not _is_telemetry_enabled()
assert not {"spacy", "torch", "datafog_core", "gliner"} & set(sys.modules)
try:
    socket.socket()
except OSError:  # the watch works
    print("offline", len(opened))
"""


def test_no_socket_is_opened_and_nothing_is_imported_early() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "offline 1"
