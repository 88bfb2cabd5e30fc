"""Haystack's image generator, alone and in a pipeline. It reads base64 and does not ask for it."""

import base64

import pytest
from haystack import Pipeline
from haystack.components.builders import PromptBuilder
from haystack.components.generators import OpenAIImageGenerator
from haystack.utils import Secret
from pictures import GENERATE_PROMPT, opened


@pytest.fixture
def generator(gateway):
    return OpenAIImageGenerator(
        model="gpt-image-1.5",
        quality="low",
        size="1536x1024",
        api_base_url=gateway.openai_url,
        api_key=Secret.from_token(gateway.key),
        timeout=300,
        max_retries=0,
    )


def size(images: list[str]) -> tuple[int, int]:
    (image,) = images
    return opened(base64.b64decode(image, validate=True)).size


def test_generate(generator):
    assert size(generator.run(GENERATE_PROMPT)["images"]) == (1536, 1024)


def test_in_a_pipeline(generator):
    pipeline = Pipeline()
    pipeline.add_component("words", PromptBuilder("{{ what }} in the snow"))
    pipeline.add_component("image", generator)
    pipeline.connect("words.prompt", "image.prompt")
    result = pipeline.run({"words": {"what": "a red fox"}, "image": {"size": "1024x1024", "quality": "high"}})
    assert size(result["image"]["images"]) == (1024, 1024)
