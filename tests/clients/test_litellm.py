"""LiteLLM's library, and the price that a LiteLLM proxy in front would book."""

import base64
import io

import litellm
import pytest
from pictures import EDIT_PROMPT, GENERATE_PROMPT, mask, opened, source

MODEL = "gpt-image-1-mini"


@pytest.fixture
def options(gateway):
    return {"api_base": gateway.openai_url, "api_key": gateway.key, "timeout": 120}


def picture(item) -> tuple[int, int]:
    return opened(base64.b64decode(item.b64_json, validate=True)).size


def test_generate(options):
    answer = litellm.image_generation(
        model=f"openai/{MODEL}", prompt=GENERATE_PROMPT, n=2, size="1024x1024", quality="low", **options
    )
    assert [picture(item) for item in answer.data] == [(1024, 1024)] * 2


async def generate_later(options):
    return await litellm.aimage_generation(
        model=f"openai/{MODEL}", prompt=GENERATE_PROMPT, size="1536x1024", quality="low", **options
    )


def test_generate_while_something_else_is_done(options):
    import asyncio

    answer = asyncio.run(generate_later(options))
    assert picture(answer.data[0]) == (1536, 1024)


def test_a_forced_provider(options, last):
    answer = litellm.image_generation(model=f"openai/fal/{MODEL}", prompt=GENERATE_PROMPT, quality="low", **options)
    assert picture(answer.data[0]) == (1024, 1024)
    assert last()["provider"] == "fal"


def test_a_model_of_another_maker(options):
    answer = litellm.image_generation(model="openai/flux.1-schnell", prompt=GENERATE_PROMPT, **options)
    assert picture(answer.data[0])[0] > 0


@pytest.mark.parametrize("count", [1, 2])
def test_edit(options, count):
    files = [io.BytesIO(source(1024, 1024)) for _ in range(count)]
    answer = litellm.image_edit(
        model=f"openai/{MODEL}",
        image=files[0] if count == 1 else files,
        mask=io.BytesIO(mask(1024, 1024)),
        prompt=EDIT_PROMPT,
        size="1024x1024",
        **options,
    )
    assert picture(answer.data[0]) == (1024, 1024)


def test_the_price_is_ours(options, last):
    answer = litellm.image_generation(
        model=f"litellm_proxy/{MODEL}", prompt=GENERATE_PROMPT, quality="low", size="1024x1024", **options
    )
    told = float(answer._hidden_params["additional_headers"]["llm_provider-x-litellm-response-cost"])
    assert told == pytest.approx(last()["cost"])
    assert told > 0


def test_a_refusal_is_told_as_one(options):
    with pytest.raises(litellm.BadRequestError) as caught:
        litellm.image_generation(model=f"openai/{MODEL}", prompt=GENERATE_PROMPT, n=11, num_retries=0, **options)
    assert "'n'" in str(caught.value) or "n:" in str(caught.value)
