"""Requests as n8n's OpenAI node sends them (packages/@n8n/nodes-langchain, vendors/OpenAi, version 2).

It asks for a form of image of models only that are not called gpt-image, and reads base64 unless links were wished for.
"""

import base64

import httpx
import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, mask, opened, source


@pytest.fixture
def node(gateway):
    with httpx.Client(
        base_url=gateway.openai_url, headers={"authorization": f"Bearer {gateway.key}"}, timeout=120
    ) as client:
        yield client


def generate(node, model: str, wants_links: bool = False, **options) -> list[dict]:
    body = {"prompt": GENERATE_PROMPT, "model": model, **options}
    if not model.startswith("gpt-image"):
        body["response_format"] = "url" if wants_links else "b64_json"
    return node.post("/images/generations", json=body).raise_for_status().json()["data"]


def sizes(items: list[dict]) -> list[tuple[int, int]]:
    return [opened(base64.b64decode(item["b64_json"])).size for item in items]


@pytest.mark.parametrize("model", ["gpt-image-1-mini", "flux.1-schnell"])
def test_generate(node, model):
    assert sizes(generate(node, model, n=2, size="1024x1024", quality="standard")) == [(1024, 1024)] * 2


def test_links(node):
    (item,) = generate(node, "flux.1-schnell", wants_links=True)
    assert opened(httpx.get(item["url"]).content).size == (1024, 1024)


def test_edit_with_a_mask(node):
    files = [("image[]", ("data.png", source(1024, 1024), "image/png")) for _ in range(2)]
    files.append(("mask", ("mask.png", mask(1024, 1024), "image/png")))
    fields = {
        "prompt": EDIT_PROMPT,
        "model": "gpt-image-1.5",
        "n": "1",
        "size": "1024x1024",
        "user": "somebody",
        "background": "auto",
        "input_fidelity": "high",
        "output_format": "png",
        "output_compression": "100",
        "quality": "auto",
    }
    answer = node.post("/images/edits", data=fields, files=files).raise_for_status().json()
    assert sizes(answer["data"]) == [(1024, 1024)]


def test_the_list_of_models(node):
    names = [model["id"] for model in node.get("/models").raise_for_status().json()["data"]]
    assert [name for name in names if name.startswith("gpt-image")]
