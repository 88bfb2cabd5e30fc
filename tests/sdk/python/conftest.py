"""Servers for the whole run: a gateway as a newcomer has it, one with a sandbox beside it, and sandboxes."""

import os

# Before any client is imported: they read these, and tests must never spend money.
for name in list(os.environ):
    if name.startswith(("PICTOR_", "OPENAI_", "FAL_", "REPLICATE_", "GEMINI_", "GOOGLE_", "DASHSCOPE_")):
        del os.environ[name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"

import httpx  # noqa: E402
import published  # noqa: E402
import pytest  # noqa: E402
from openai import OpenAI  # noqa: E402
from servers import Gateway, Server  # noqa: E402

published.watch()


@pytest.fixture(autouse=True)
def answers_are_as_published():
    """No answer that a test saw is anything else than OpenAI's own types say."""
    yield
    found = published.faults.copy()
    published.faults.clear()
    assert found == []


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """No configuration at all."""
    server = Gateway(tmp_path_factory.mktemp("gateway"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def client(gateway):
    """The official client with nothing but base URL and key changed."""
    return OpenAI(base_url=gateway.openai_url, api_key=gateway.key)


@pytest.fixture(scope="session")
def sandbox():
    server = Server("sandbox", "--strict", "--listen", "127.0.0.1:0")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def wired(sandbox, tmp_path_factory):
    """A gateway to which every provider is real; what it takes for them is the sandbox, whose books can be read."""
    folder = tmp_path_factory.mktemp("wired")
    settings = folder / "pictor.toml"
    settings.write_text(f'[providers.fal.options]\nrest_url = "{sandbox.url}/fal/rest"\n')
    server = Gateway(
        folder / "data",
        "--config",
        str(settings),
        PICTOR_OPENAI_BASE_URL=f"{sandbox.url}/openai/v1",
        PICTOR_OPENAI_API_KEY="sk-sandbox",
        PICTOR_FAL_BASE_URL=f"{sandbox.url}/fal/queue",
        PICTOR_FAL_KEY="sandbox:sandbox",
        PICTOR_REPLICATE_BASE_URL=f"{sandbox.url}/replicate/v1",
        PICTOR_REPLICATE_API_TOKEN="r8_sandbox",
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def wired_client(wired):
    return OpenAI(base_url=wired.openai_url, api_key=wired.key)


@pytest.fixture(scope="session")
def secure_sandbox(tmp_path_factory):
    """A sandbox that speaks https, and the file with its certificate."""
    certificate = tmp_path_factory.mktemp("tls") / "sandbox.pem"
    server = Server("sandbox", "--strict", "--listen", "127.0.0.1:0", "--tls", "--cert-out", str(certificate))
    server.certificate = certificate
    yield server
    server.stop()


@pytest.fixture(scope="session")
def web():
    """Plain HTTP, without a client's comforts."""
    with httpx.Client(timeout=120) as plain:
        yield plain
