"""A dry run tells the price before: never less than the charge, and the same where prices are flat."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import BadRequestError
from pictures import EDIT_PROMPT, GENERATE_PROMPT, source

SIZES = ["1024x1024", "1536x1024", "1024x1536"]
QUALITIES = ["low", "medium", "high"]
MODELS = ["gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2"]
PROVIDERS = ["openai", "fal", "replicate"]
# Prices that know nothing but pictures are known to the last digit beforehand.
FLAT_METRICS = {"image", "megapixel"}
# fal bills the prompt's tokens here and does not say how many there were.
TEXT_UNREPORTED = ("gpt-image-1.5", "gpt-image-2")
# As many calls at a time as a small machine can draw.
WORKERS = 4
DRY = {"dryRun": "true"}


def further(provider: str, model: str) -> dict:
    """Replicate runs the two oldest models on the caller's own account at OpenAI."""
    own_account = provider == "replicate" and model in ("gpt-image-1", "gpt-image-1-mini")
    return {"openai_api_key": "sk-of-the-caller"} if own_account else {}


def micros(dollars: float) -> int:
    return round(dollars * 1_000_000)


def compare(estimate, answer, what):
    """The estimate against the charge."""
    charge = micros(answer.metadata["cost"])
    expected = estimate.total_cost_micros
    assert estimate.estimated is True
    assert not estimate.model_extra.keys() & {"id", "status", "url"}
    assert not estimate.data
    assert expected >= charge, f"{what}: estimated {expected}, charged {charge}"
    is_flat = {component["metric"] for component in estimate.components} <= FLAT_METRICS
    # What `auto` will be is the provider's choice, so that its price is a bound.
    if is_flat and "auto" not in what:
        assert expected == charge, f"{what}: a flat price, estimated {expected}, charged {charge}"


def both(wired_client, model, **arguments):
    """The estimate and then the answer to the same request."""
    make = wired_client.images.edit if "image" in arguments else wired_client.images.generate
    estimate = make(model=model, extra_query=DRY, **arguments)
    answer = make(model=model, **arguments)
    compare(estimate, answer, (model, arguments.get("quality"), arguments.get("size")))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", MODELS)
def test_every_quality_and_size(wired_client, provider, model):
    def one(case):
        quality, size = case
        extra = further(provider, model)
        both(
            wired_client,
            f"{provider}/{model}",
            prompt=GENERATE_PROMPT,
            quality=quality,
            size=size,
            extra_body=extra,
        )

    cases = [(quality, size) for quality in QUALITIES for size in SIZES]
    cases += [("auto", "auto")]
    if model == "gpt-image-2":
        cases += [("low", "2048x1152"), ("high", "1024x768")]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, cases))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", MODELS)
def test_edits_with_input_images(wired_client, provider, model):
    images = [("one.png", source(), "image/png"), ("two.png", source(1536, 1024), "image/png")]

    def one(quality):
        both(
            wired_client,
            f"{provider}/{model}",
            image=images,
            prompt=EDIT_PROMPT,
            quality=quality,
            size="1024x1024",
            extra_body=further(provider, model),
        )

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(one, ["low", "high", "auto"]))


def test_several_images_and_other_families(wired_client):
    both(wired_client, "openai/gpt-image-1", prompt=GENERATE_PROMPT, n=3, quality="low", size="1024x1024")
    both(wired_client, "fal/gpt-image-1-mini", prompt=GENERATE_PROMPT, n=3, quality="low", size="1024x1024")
    both(wired_client, "fal/flux.1-schnell", prompt=GENERATE_PROMPT, n=2, size="1024x1024")
    both(wired_client, "replicate/flux.1-schnell", prompt=GENERATE_PROMPT, n=2)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("model", MODELS)
def test_the_charge_is_what_the_provider_bills(wired_client, sandbox, provider, model):
    httpx.delete(f"{sandbox.url}/_sandbox/bill").raise_for_status()
    answer = wired_client.images.generate(
        model=f"{provider}/{model}",
        prompt=GENERATE_PROMPT,
        quality="medium",
        size="1024x1024",
        extra_body=further(provider, model),
    )
    bill = httpx.get(f"{sandbox.url}/_sandbox/bill").json()
    assert len(bill["entries"]) == 1
    assert bill["entries"][0]["provider"] == provider
    charge, billed = micros(answer.metadata["cost"]), bill["total_micros"]
    if provider == "fal" and model in TEXT_UNREPORTED:
        estimate = wired_client.images.generate(
            model=f"{provider}/{model}", prompt=GENERATE_PROMPT, quality="medium", size="1024x1024", extra_query=DRY
        )
        assert billed <= charge <= estimate.total_cost_micros
    else:
        assert charge == billed


def test_a_dry_run_calls_nobody(wired_client, sandbox):
    httpx.delete(f"{sandbox.url}/_sandbox/calls").raise_for_status()
    for provider in PROVIDERS:
        for model in MODELS:
            estimate = wired_client.images.generate(
                model=f"{provider}/{model}",
                prompt=GENERATE_PROMPT,
                extra_query=DRY,
                extra_body=further(provider, model),
            )
            assert estimate.provider == provider
    wired_client.images.edit(
        model="gpt-image-1.5", image=("a.png", source(), "image/png"), prompt=EDIT_PROMPT, extra_query=DRY
    )
    calls = httpx.get(f"{sandbox.url}/_sandbox/calls").json()["calls"]
    assert calls == []


def test_a_dry_run_refuses_what_a_real_one_would(wired_client):
    with pytest.raises(BadRequestError) as caught:
        wired_client.images.generate(model="gpt-image-1", prompt="", extra_query=DRY)
    assert caught.value.param == "prompt"


def test_candidates_stand_in_order_of_price(wired_client):
    estimate = wired_client.images.generate(
        model="gpt-image-2", prompt=GENERATE_PROMPT, quality="high", size="1024x1024", extra_query=DRY
    )
    prices = [candidate["total_cost_micros"] for candidate in estimate.candidates]
    assert len(prices) == 3
    assert prices == sorted(prices)
    assert estimate.total_cost_micros == prices[0]
