"""One gateway as a newcomer has it, for programs that are told a base URL and the default key and nothing else."""

import os
import sys
from pathlib import Path

# Before any client is imported: they read these, and tests must never spend money.
for name in list(os.environ):
    if name.startswith(("PICTOR_", "OPENAI_", "AZURE_", "GEMINI_", "LITELLM_", "LLM_")):
        del os.environ[name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
# These programs tell their makers about their use, and fetch lists, unless they are told not to.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_TELEMETRY"] = "False"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "sdk/python"))

import httpx  # noqa: E402
import pytest  # noqa: E402
from servers import Gateway  # noqa: E402


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """No configuration at all."""
    server = Gateway(tmp_path_factory.mktemp("gateway"))
    yield server
    server.stop()


@pytest.fixture
def last(gateway):
    """The latest finished request, as the gateway has it on record."""

    def latest() -> dict:
        headers = {"authorization": f"Bearer {gateway.key}"}
        listed = httpx.get(f"{gateway.url}/v1/requests", params={"limit": 1}, headers=headers).raise_for_status()
        found = httpx.get(f"{gateway.url}/v1/requests/{listed.json()['data'][0]['id']}", headers=headers)
        return found.raise_for_status().json()

    return latest
