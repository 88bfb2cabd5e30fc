"""Requests as Dify's OpenAI tools send them (dify-official-plugins, tools/openai): the official client, arguments that say
`auto` left out, and base64 read wherever it is."""

import base64
import io

import pytest
from openai import OpenAI
from pictures import EDIT_PROMPT, GENERATE_PROMPT, mask, opened, source


@pytest.fixture(params=["/openai/v1", "/v1"])
def client(request, gateway):
    """The older tools put `/v1` behind what they are given: with and without `/openai` it leads here."""
    return OpenAI(api_key=gateway.key, base_url=gateway.url + request.param, organization=None)


def images(answer) -> list[tuple[int, int]]:
    """What a tool hands on; what has no base64 it passes over."""
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens_details.text_tokens is not None
    return [opened(base64.b64decode(item.b64_json)).size for item in answer.data if item.b64_json]


def test_generate(client):
    answer = client.images.generate(
        model="gpt-image-2", prompt=GENERATE_PROMPT, n=2, size="1664x1024", quality="low", moderation="low"
    )
    assert images(answer) == [(1664, 1024)] * 2


@pytest.mark.parametrize("model", ["gpt-image-2.5-flare", "gpt-image-2.5-sunburst"])
def test_the_newer_qualities(client, model):
    answer = client.images.generate(
        model=model, prompt=GENERATE_PROMPT, n=1, quality="xhigh", output_format="webp", output_compression=80
    )
    assert len(images(answer)) == 1


def test_edit(client):
    files = []
    for number in range(2):
        file = io.BytesIO(source(1024, 1024))
        file.name = f"input_image_{number}.png"
        files.append(file)
    hole = io.BytesIO(mask(1024, 1024))
    hole.name = "mask_image.png"
    answer = client.images.edit(
        model="gpt-image-1-mini", prompt=EDIT_PROMPT, image=files, mask=hole, size="1024x1024", n=1
    )
    assert images(answer) == [(1024, 1024)]
