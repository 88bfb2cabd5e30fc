"""The list of models, by the official client."""

import pytest
from openai import NotFoundError


def test_list(client):
    models = {model.id: model for model in client.models.list()}
    for known in ("gpt-image-1", "gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2", "flux.1-schnell", "mock-image"):
        model = models[known]
        assert model.object == "model"
        assert model.owned_by
        assert model.available is True
    assert models["dall-e-3"].model_status == "retired"
    assert models["gpt-image-1-mini"].starting_price == pytest.approx(0.005)
    assert models["mock-image"].free is True


def test_retrieve(client):
    model = client.models.retrieve("gpt-image-2")
    assert model.id == "gpt-image-2"
    assert set(model.modes) == {"text-to-image", "image-edit"}
    assert {"openai", "fal", "replicate"} <= set(model.providers)


def test_unknown(client):
    with pytest.raises(NotFoundError) as caught:
        client.models.retrieve("gpt-image-9")
    assert caught.value.code == "MODEL_NOT_FOUND"
