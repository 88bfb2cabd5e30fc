"""The schema of each model, by an independent validator: it is valid, and it says what the gateway does."""

import base64
import io
import random

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

SEED = 20261121
# Every value of these, one at a time; mixtures of all models.
WHOLE = ("gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2", "flux.1-schnell", "mock-image", "google-upscaler")
MIXTURES = 12


@pytest.fixture(scope="module")
def models(web, gateway):
    reply = web.get(
        f"{gateway.openai_url}/models", params={"schema": "true"}, headers={"authorization": f"Bearer {gateway.key}"}
    )
    assert reply.status_code == 200
    return {model["id"]: model for model in reply.json()["data"] if model["status"] == "enabled"}


@pytest.fixture(scope="module")
def picture():
    file = io.BytesIO()
    Image.new("RGBA", (64, 64), (0, 0, 90, 120)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def test_every_schema_is_valid(models):
    assert len(models) >= 6
    for model in models.values():
        schema = model["schema"]
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        Draft202012Validator.check_schema(schema)
        for name, sub in schema["properties"].items():
            assert "x-modes" in sub or name == "model", name


def test_every_default_and_every_size_is_legal(models):
    for model in models.values():
        properties = model["schema"]["properties"]
        for name, sub in properties.items():
            for value in [sub["default"]] if "default" in sub else []:
                assert Draft202012Validator(sub).is_valid(value), (model["id"], name, value)
            for value in sub.get("x-values") or []:
                assert Draft202012Validator(sub).is_valid(value), (model["id"], name, value)
        for row in model["sizes"]:
            for name in ("size", "aspect_ratio", "resolution"):
                assert Draft202012Validator(properties[name]).is_valid(row[name]), (model["id"], row)


def bare(model, picture):
    """The path and the least body that a model takes."""
    body = {"model": model["id"], "prompt": "dunes"}
    if "text-to-image" not in model["modes"]:
        body["images"] = [{"image_url": picture}]
    if model["modes"] == ["upscale"]:
        del body["prompt"]
    for name in model["schema"]["required"]:
        if name not in body:
            body[name] = {"image_url": picture} if name == "mask" else "the kite"
    return ("images/edits" if "images" in body else "images/generations"), body


def candidates(name, sub):
    """Values of every kind for one property, legal and not."""
    anything = ["text", "", 0, 1, 2, 3, 4, 7.0, 0.5, 1.5, 101, -1, True, False, [], ["x"], {}, {"a": 1}]
    sizes = ["1024x1024", "1024X768", "0x1", "65537x1", "3:2", "21:9", "19.5:9", "0:1", "1:0", "auto", "AUTO"]
    tiers = ["1K", "0.5k", "4K", "64K", "65K", "0.25", "256", "257", "1MP", "huge", 0.25, 300]
    names = ["low", "medium", "high", "auto", "hd", "standard", "url", "b64_json", "png", "jpeg", "webp", "avif", "gif"]
    switches = ["on", "off", "minimal", "vivid", "natural", "opaque", "transparent"]
    if name in ("model", "images", "mask", "scale_factor"):
        return []
    return anything + sizes + tiers + names + switches + list(sub.get("enum", []))


def ask(web, gateway, path, body):
    return web.post(
        f"{gateway.openai_url}/{path}",
        params={"dryRun": "true"},
        json=body,
        headers={"authorization": f"Bearer {gateway.key}"},
    )


def check(web, gateway, model, path, body):
    validator = Draft202012Validator(model["schema"])
    # A text without letters is as good as absent; a schema cannot say that.
    said = {name: value for name, value in body.items() if value != ""}
    valid = validator.is_valid(said)
    reply = ask(web, gateway, path, body)
    reasons = [error.message[:200] for error in validator.iter_errors(said)]
    assert reply.status_code == (200 if valid else 400), (body, reasons, reply.text)
    return valid


def test_the_schema_says_what_is_taken(models, picture, web, gateway):
    """One value at a time, for every model and parameter."""
    seen = {True: 0, False: 0}
    for model in models.values():
        path, body = bare(model, picture)
        assert check(web, gateway, model, path, body)
        if model["id"] not in WHOLE:
            continue
        for name, sub in model["schema"]["properties"].items():
            for value in candidates(name, sub):
                seen[check(web, gateway, model, path, body | {name: value})] += 1
        if "prompt" in body:
            assert not check(web, gateway, model, path, {key: body[key] for key in body if key != "prompt"})
    assert min(seen.values()) > 500


def test_the_schema_says_what_is_taken_together(models, picture, web, gateway):
    """Mixtures of values, most of them legal."""
    chance = random.Random(SEED)
    for model in models.values():
        path, body = bare(model, picture)
        properties = model["schema"]["properties"]
        for _ in range(MIXTURES):
            mixture = dict(body)
            for name in chance.sample(sorted(properties), min(3, len(properties))):
                values = candidates(name, properties[name])
                legal = [value for value in values if Draft202012Validator(properties[name]).is_valid(value)]
                if values:
                    mixture[name] = chance.choice(legal if legal and chance.random() < 0.85 else values)
            shapes = [mixture.get(name) for name in ("size", "aspect_ratio")]
            # Two spellings of one ratio that disagree are refused; a schema cannot say that.
            if any(isinstance(shape, str) and ":" in shape for shape in shapes) and None not in shapes:
                del mixture["aspect_ratio"]
            # A hard need that only another mode meets is refused; one schema for all modes cannot say that.
            if mixture.get("background") == "transparent" and model["modes"] != properties.get("background", {}).get("x-modes"):
                del mixture["background"]
            check(web, gateway, model, path, mixture)
