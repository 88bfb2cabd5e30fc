"""Requests as LibreChat's image tools send them (api/app/clients/tools/structured/OpenAIImageTools.js): generations by the
official client, edits as a form of their own, and base64 alone is read."""

import base64

import httpx
import pytest
from openai import OpenAI
from pictures import EDIT_PROMPT, GENERATE_PROMPT, opened, source


@pytest.mark.parametrize(
    ("output_format", "background"), [("png", "transparent"), ("webp", "transparent"), ("jpeg", "auto")]
)
def test_generate(gateway, output_format, background):
    client = OpenAI(base_url=gateway.openai_url, api_key=gateway.key)
    lossy = {} if output_format == "png" else {"output_compression": 100}
    answer = client.images.generate(
        model="gpt-image-1.5",
        prompt=GENERATE_PROMPT,
        n=1,
        background=background,
        output_format=output_format,
        quality="auto",
        size="auto",
        **lossy,
    )
    picture = opened(base64.b64decode(answer.data[0].b64_json, validate=True))
    assert picture.format.lower() == output_format


def test_edit(gateway):
    files = [("image[]", (name, source(1024, 1024), "image/png")) for name in ("a.png", "b.png")]
    fields = {"model": "gpt-image-1.5", "prompt": EDIT_PROMPT, "quality": "auto", "size": "auto"}
    headers = {"authorization": f"Bearer {gateway.key}"}
    answer = httpx.post(f"{gateway.openai_url}/images/edits", data=fields, files=files, headers=headers, timeout=120)
    (item,) = answer.raise_for_status().json()["data"]
    assert opened(base64.b64decode(item["b64_json"])).size


def test_as_it_calls_azure(gateway):
    """With a version of Azure's API set, it sends the key under another name, and the deployment in the base URL."""
    base = f"{gateway.url}/openai/deployments/gpt-image-1.5"
    client = OpenAI(
        base_url=base,
        api_key=gateway.key,
        default_query={"api-version": "2025-04-01-preview"},
        default_headers={"api-key": gateway.key, "Content-Type": "application/json"},
    )
    answer = client.images.generate(model="gpt-image-1", prompt=GENERATE_PROMPT, quality="low", size="1024x1024")
    assert answer.data[0].b64_json
    assert answer.metadata["model"] == "gpt-image-1.5"
    edited = httpx.post(
        f"{base}/images/edits",
        params={"api-version": "2025-04-01-preview"},
        data={"model": "gpt-image-1", "prompt": EDIT_PROMPT, "quality": "auto", "size": "auto"},
        files=[("image[]", ("a.png", source(1024, 1024), "image/png"))],
        headers={"api-key": gateway.key},
        timeout=120,
    )
    assert edited.raise_for_status().json()["data"][0]["b64_json"]
