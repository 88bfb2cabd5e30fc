"""The program beside a Prometheus and an S3 server of others; nothing here leaves this machine."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

for name in list(os.environ):
    if name.startswith(("PICTOR_", "OPENAI_", "AWS_", "FAL_", "REPLICATE_", "GEMINI_", "GOOGLE_")):
        del os.environ[name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/sdk/python"))

import httpx  # noqa: E402
import pytest  # noqa: E402
from servers import Gateway  # noqa: E402

DEPLOY = ROOT / "deploy"
# A busy machine starts a program within this.
PATIENCE_S = 60
# How often a condition is looked at; nothing ever sets it.
LOOK_S = 0.1
LOOK = threading.Event()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(what: str, look):
    """Looks until there is something; what is waited for is a condition and never a time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            if found := look():
                return found
        except httpx.TransportError:
            pass
        LOOK.wait(LOOK_S)
    raise AssertionError(f"waited in vain: {what}")


class Program:
    """A program of others, ended with the test."""

    def __init__(self, *words: str, **variables: str):
        self._process = subprocess.Popen(
            words,
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """No configuration but an address for figures."""
    server = Gateway(tmp_path_factory.mktemp("gateway"), PICTOR_METRICS_LISTEN=f"127.0.0.1:{free_port()}")
    yield server
    server.stop()


def generate(gateway, **fields):
    """Asks for one small image."""
    body = {"model": "gpt-image-1-mini", "prompt": "dunes", "quality": "low"} | fields
    headers = {"authorization": f"Bearer {gateway.key}"}
    return httpx.post(f"{gateway.openai_url}/images/generations", json=body, headers=headers, timeout=60)
