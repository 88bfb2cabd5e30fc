"""The official OpenAI client against the sandbox itself, unchanged apart from its base URL."""

import pytest
from openai import AuthenticationError, BadRequestError, NotFoundError, OpenAI, RateLimitError
from pictures import EDIT_PROMPT, GENERATE_PROMPT, mask, opened, received, source
from test_generate import received_event


@pytest.fixture(scope="module")
def openai(sandbox):
    return OpenAI(base_url=f"{sandbox.url}/openai/v1", api_key="sk-sandbox")


def test_generate(openai):
    answer = openai.images.generate(
        model="gpt-image-1", prompt=GENERATE_PROMPT, size="1536x1024", quality="low", output_format="webp"
    )
    picture = opened(received(answer.data[0]))
    assert (picture.size, picture.format) == ((1536, 1024), "WEBP")
    assert answer.size == "1536x1024"
    assert answer.usage.output_tokens == 400
    assert answer.usage.total_tokens == answer.usage.input_tokens + 400


def test_edit(openai):
    answer = openai.images.edit(
        model="gpt-image-1.5",
        image=[("one.png", source(), "image/png"), ("two.png", source(512, 512), "image/png")],
        mask=("mask.png", mask(), "image/png"),
        prompt=EDIT_PROMPT,
        size="1024x1024",
        quality="low",
    )
    assert opened(received(answer.data[0])).size == (1024, 1024)
    assert answer.usage.input_tokens_details.image_tokens > 0


def test_stream_with_partial_images(openai):
    events = list(
        openai.images.generate(
            model="gpt-image-1", prompt=GENERATE_PROMPT, quality="low", stream=True, partial_images=2
        )
    )
    kinds = [event.type for event in events]
    assert kinds == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert all(opened(received_event(event)).format == "PNG" for event in events)
    assert events[-1].usage.output_tokens == 272 + 2 * 100


def test_models(openai):
    assert "gpt-image-2" in [model.id for model in openai.models.list()]
    assert openai.models.retrieve("gpt-image-1.5").object == "model"


def test_moderation(openai):
    with pytest.raises(BadRequestError) as caught:
        openai.images.generate(model="gpt-image-1", prompt="something [[fault: moderation]]")
    assert caught.value.code == "moderation_blocked"
    assert caught.value.type == "image_generation_user_error"


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"size": "banana"}, "size"),
        ({"n": 11}, "n"),
        ({"response_format": "url"}, "response_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
    ],
)
def test_validation(openai, arguments, param):
    with pytest.raises(BadRequestError) as caught:
        openai.images.generate(model="gpt-image-1", prompt=GENERATE_PROMPT, **arguments)
    assert caught.value.param == param


def test_rate_limit(openai):
    with pytest.raises(RateLimitError) as caught:
        openai.with_options(max_retries=0).images.generate(
            model="gpt-image-1", prompt="a cat [[fault: status=429 retry-after=0]]"
        )
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "0"


def test_the_client_retries_a_rate_limit_by_itself(openai):
    answer = openai.images.generate(
        model="gpt-image-1", prompt="a patient cat [[fault: status=429 retry-after=0 once]]", quality="low"
    )
    assert answer.data[0].b64_json


def test_keys_and_models_that_are_none(openai):
    with pytest.raises(AuthenticationError) as caught:
        openai.with_options(api_key="nonsense").images.generate(model="gpt-image-1", prompt=GENERATE_PROMPT)
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(NotFoundError):
        openai.images.generate(model="dall-e-3", prompt=GENERATE_PROMPT)
