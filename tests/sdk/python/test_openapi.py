"""`/openapi.json`: a tester that follows it finds nothing, and a client that is generated from it works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from described import Described
from servers import Gateway

# Requests by schema may be refused: fields have rules among themselves, and models limits of their own, of which a schema
# cannot tell.
CHECKS_LEFT_OUT = "positive_data_acceptance"
TESTER_TIMEOUT_S = 180
EXAMPLES = 12


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A gateway to which anything may be done."""
    server = Gateway(tmp_path_factory.mktemp("tested"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def document(web, own):
    return web.get(f"{own.url}/openapi.json").raise_for_status().json()


def test_a_tester_that_follows_it_finds_nothing(own, tmp_path):
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{own.url}/openapi.json",
        "--header",
        f"Authorization: Bearer {own.key}",
        "--checks",
        "all",
        "--exclude-checks",
        CHECKS_LEFT_OUT,
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        str(EXAMPLES),
        "--generation-deterministic",
        "--no-color",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TESTER_TIMEOUT_S
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_what_an_answer_must_not_be_is_found(document):
    described = Described(document)

    def faults(status: int, body: str, kind: str = "application/json") -> list[str]:
        return described.faults("GET", "/v1/balance", status, kind, body.encode())

    right = '{"object": "balance", "billing_type": "postpaid", "available": {"amount": null}, "left": {"amount": null}, '
    right += '"held": {"amount": 0}}'
    assert faults(200, right) == []
    assert faults(200, right.replace('"balance"', '"list"'))
    assert faults(200, right, "text/plain")
    assert faults(204, "")
    assert described.faults("GET", "/nowhere", 404, "application/json", b"{}") == []


def test_a_generated_client_works(own, document, tmp_path):
    """Made in a few seconds by a program that knows nothing of Pictor; its types read what the gateway answers."""
    file, settings = tmp_path / "openapi.json", tmp_path / "settings.json"
    file.write_text(json.dumps(document))
    # Nobody reads what is made, so that it needs no formatting.
    settings.write_text(json.dumps({"post_hooks": []}))
    maker = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--path",
        str(file),
        "--output-path",
        str(tmp_path / "made"),
        "--config",
        str(settings),
        "--meta",
        "none",
    ]
    done = subprocess.run(maker, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    # Types of files that it has no code for may be left out, but nothing else.
    assert "Unable to process" not in printed and "will not be generated" not in printed, printed[-4000:]
    script = tmp_path / "use.py"
    script.write_text(GENERATED)
    done = subprocess.run(
        [sys.executable, str(script), own.url, own.key],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


GENERATED = """
import sys

from made import AuthenticatedClient
from made.api.default import balance, create_key, generate_images, list_models, list_requests, retrieve_model
from made.models import GenerationRequest, ImagesResponse, Estimate, KeyOrder

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], timeout=120)
models = list_models.sync(client=client)
assert len(models.data) > 6
model = retrieve_model.sync("mock-image", client=client, schema=True)
assert model.id == "mock-image" and model.schema and model.offers
order = GenerationRequest(model="mock-image", prompt="dunes", size="64x64")
made = generate_images.sync(client=client, body=order)
assert isinstance(made, ImagesResponse), made
assert made.metadata.provider == "mock" and made.data[0].url and made.data[0].b64_json
estimate = generate_images.sync(client=client, body=order, dry_run=True)
assert isinstance(estimate, Estimate), estimate
key = create_key.sync(client=client, body=KeyOrder(name="made"))
assert key.key.startswith("pk_")
assert balance.sync(client=client).billing_type == "postpaid"
assert list_requests.sync(client=client).data[0].id == made.id
"""
