"""Edits through the gateway by the official client."""

import io

import pytest
from openai import BadRequestError
from openai.types import ImageEditPartialImageEvent
from PIL import Image
from pictures import EDIT_PROMPT, check, data_url, difference, mask, opened, source
from test_generate import MODELS, received_event


@pytest.fixture(scope="module")
def source_png(tmp_path_factory):
    path = tmp_path_factory.mktemp("edit") / "source.png"
    path.write_bytes(source())
    return path


@pytest.mark.parametrize("model", MODELS)
def test_the_documented_example(client, model, source_png):
    with open(source_png, "rb") as image:
        answer = client.images.edit(model=model, image=image, prompt=EDIT_PROMPT, size="1024x1024")
    check(answer, size="1024x1024")
    assert answer.data[0].url
    assert answer.metadata["sandbox"] is True


@pytest.mark.parametrize("model", MODELS)
def test_as_base64_in_the_default_size(client, model, source_png):
    answer = client.images.edit(
        model=model, image=source_png, prompt=EDIT_PROMPT, quality="low", response_format="b64_json"
    )
    check(answer)
    assert answer.data[0].url is None


@pytest.mark.parametrize("model", MODELS)
def test_four_images_by_link(client, model, source_png):
    answer = client.images.edit(model=model, image=source_png, prompt=EDIT_PROMPT, n=4, quality="low")
    check(answer, count=4)


@pytest.mark.parametrize("model", MODELS)
def test_ten_images_as_base64(client, model, source_png):
    answer = client.images.edit(
        model=model, image=source_png, prompt=EDIT_PROMPT, n=10, quality="low", response_format="b64_json"
    )
    check(answer, count=10)


@pytest.mark.parametrize(
    ("model", "format"),
    [
        ("gpt-image-1", "png"),
        ("gpt-image-1", "gif"),
        ("gpt-image-1-mini", "jpeg"),
        ("gpt-image-1.5", "webp"),
        ("gpt-image-2", "avif"),
    ],
)
def test_every_format(client, model, format, source_png):
    answer = client.images.edit(
        model=model, image=source_png, prompt=EDIT_PROMPT, size="1024x1024", quality="low", output_format=format
    )
    check(answer, size="1024x1024", format=format)


@pytest.mark.parametrize("model", MODELS)
def test_two_input_images(client, model):
    images = [("first.png", source(), "image/png"), ("second.jpg", source(800, 600, "JPEG", (20, 20, 20)), "image/jpeg")]
    answer = client.images.edit(model=model, image=images, prompt=EDIT_PROMPT, size="1024x1024", quality="low")
    check(answer, size="1024x1024")


@pytest.mark.parametrize("model", MODELS)
def test_a_mask_says_where(client, model):
    answer = client.images.edit(
        model=model,
        image=("source.png", source(), "image/png"),
        mask=("mask.png", mask(), "image/png"),
        prompt=EDIT_PROMPT,
        size="1024x1024",
        quality="low",
    )
    (picture,) = check(answer, size="1024x1024")
    before = opened(source())
    edited = difference(before, picture, (64, 64, 448, 960))
    # The lower corners may bear the sandbox's own mark.
    kept = difference(before, picture, (576, 64, 960, 700))
    assert edited > 4 * kept, f"{edited} where the mask is open, {kept} where it is closed"


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "GIF", "AVIF"])
def test_inputs_of_every_format(client, format):
    answer = client.images.edit(
        model="gpt-image-1", image=source(640, 480, format), prompt=EDIT_PROMPT, size="1024x1024", quality="low"
    )
    check(answer, size="1024x1024")


def test_inputs_in_json(client):
    answer = client.post(
        "/images/edits",
        cast_to=dict,
        body={
            "model": "gpt-image-1.5",
            "prompt": EDIT_PROMPT,
            "quality": "low",
            "images": [{"image_url": data_url(source())}, {"image_url": data_url(source(512, 512))}],
        },
    )
    assert answer["data"][0]["url"].startswith("http")


def test_files_by_id_are_refused_clearly(client):
    with pytest.raises(BadRequestError) as caught:
        client.post(
            "/images/edits",
            cast_to=dict,
            body={"model": "gpt-image-1.5", "prompt": EDIT_PROMPT, "images": [{"file_id": "file-1"}]},
        )
    assert "file_id" in caught.value.message


def test_streaming(client):
    events = list(
        client.images.edit(
            model="gpt-image-1",
            image=("source.png", source(), "image/png"),
            prompt=EDIT_PROMPT,
            quality="low",
            stream=True,
        )
    )
    assert events[-1].type == "image_edit.completed"
    assert opened(received_event(events[-1])).format == "PNG"


def test_streaming_with_partial_images(client):
    events = list(
        client.images.edit(
            model="openai/gpt-image-1-mini",
            image=("source.png", source(), "image/png"),
            prompt=EDIT_PROMPT,
            quality="low",
            output_format="jpeg",
            stream=True,
            partial_images=2,
        )
    )
    assert [event.type for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    for event in events:
        assert opened(received_event(event)).format == "JPEG"
    for event in events[:2]:
        ImageEditPartialImageEvent.model_validate(event.model_dump(), strict=True)


@pytest.mark.parametrize(
    ("mode", "format"),
    [("P", "PNG"), ("1", "PNG"), ("I;16", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("CMYK", "JPEG"), ("L", "JPEG")],
)
@pytest.mark.parametrize("model", ["openai/gpt-image-1.5", "fal/gpt-image-1.5"])
def test_pictures_however_their_pixels_are_stored(client, model, mode, format):
    """OpenAI refuses palettes, other depths than eight bits and the inks of print; the emulator does too."""
    file = io.BytesIO()
    opened(source(256, 256)).convert("L" if mode == "I;16" else mode).convert(mode).save(file, format)
    stored = Image.open(io.BytesIO(file.getvalue()))
    assert stored.mode in (mode, "I"), stored.mode
    answer = client.images.edit(
        model=model, image=(f"a.{format.lower()}", file.getvalue()), prompt=EDIT_PROMPT, quality="low"
    )
    check(answer)
