"""The official Google client against the sandbox, unchanged apart from its base URL: the Gemini API and Vertex AI."""

import httpx
import pytest
from google import genai
from google.genai import errors, types
from google.oauth2 import service_account
from pictures import EDIT_PROMPT, GENERATE_PROMPT, mask, opened, source

FLASH = "gemini-3.1-flash-image"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@pytest.fixture(scope="module")
def gemini(sandbox):
    return genai.Client(api_key="AIzaSandbox", http_options={"base_url": f"{sandbox.url}/gemini"})


@pytest.fixture(scope="module")
def vertex(sandbox):
    """By a service account: the client signs an assertion and exchanges it for a token."""
    account = httpx.get(f"{sandbox.url}/vertex/service-account.json").json()
    return genai.Client(
        vertexai=True,
        project=account["project_id"],
        location="us-central1",
        credentials=service_account.Credentials.from_service_account_info(account, scopes=[SCOPE]),
        http_options={"base_url": f"{sandbox.url}/vertex"},
    )


def pictures(answer) -> list:
    parts = answer.candidates[0].content.parts
    return [opened(part.inline_data.data) for part in parts if part.inline_data and not part.thought]


def config(**image) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=types.ImageConfig(**image))


@pytest.mark.parametrize("surface", ["gemini", "vertex"])
def test_generate(surface, request):
    client = request.getfixturevalue(surface)
    answer = client.models.generate_content(
        model=FLASH, contents=GENERATE_PROMPT, config=config(aspect_ratio="3:2", image_size="2K")
    )
    (picture,) = pictures(answer)
    assert (picture.size, picture.format) == ((2528, 1696), "PNG")
    assert answer.usage_metadata.candidates_token_count == 1680
    assert answer.response_id


@pytest.mark.parametrize("surface", ["gemini", "vertex"])
def test_edit(surface, request):
    client = request.getfixturevalue(surface)
    images = [types.Part.from_bytes(data=source(size, 512), mime_type="image/png") for size in (512, 768)]
    answer = client.models.generate_content(model="gemini-3-pro-image", contents=[*images, EDIT_PROMPT])
    (picture,) = pictures(answer)
    assert picture.size == (1024, 1024)
    details = {one.modality: one.token_count for one in answer.usage_metadata.prompt_tokens_details}
    assert details[types.MediaModality.IMAGE] == 1120


def test_stream(gemini):
    events = list(gemini.models.generate_content_stream(model=FLASH, contents=GENERATE_PROMPT))
    assert sum(len(pictures(event)) for event in events) == 1


def test_chat_goes_on(gemini):
    chat = gemini.chats.create(model="gemini-2.5-flash-image")
    (first,) = pictures(chat.send_message(GENERATE_PROMPT))
    (second,) = pictures(chat.send_message(EDIT_PROMPT))
    assert first.size == second.size == (1024, 1024)


def test_vertex_only_fields(vertex):
    answer = vertex.models.generate_content(
        model=FLASH,
        contents=GENERATE_PROMPT,
        config=config(output_mime_type="image/jpeg", output_compression_quality=60),
    )
    assert pictures(answer)[0].format == "JPEG"


def test_imagen(vertex):
    answer = vertex.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt=GENERATE_PROMPT,
        config=types.GenerateImagesConfig(
            number_of_images=2, aspect_ratio="9:16", include_rai_reason=True, output_mime_type="image/jpeg"
        ),
    )
    assert [opened(one.image.image_bytes).size for one in answer.generated_images] == [(768, 1408)] * 2


def test_imagen_edit(vertex):
    images = [
        types.RawReferenceImage(
            reference_id=1, reference_image=types.Image(image_bytes=source(512, 512), mime_type="image/png")
        ),
        types.MaskReferenceImage(
            reference_id=2,
            reference_image=types.Image(image_bytes=mask(512, 512), mime_type="image/png"),
            config=types.MaskReferenceConfig(mask_mode="MASK_MODE_USER_PROVIDED"),
        ),
    ]
    answer = vertex.models.edit_image(
        model="imagen-3.0-capability-001",
        prompt=EDIT_PROMPT,
        reference_images=images,
        config=types.EditImageConfig(edit_mode="EDIT_MODE_INPAINT_INSERTION", number_of_images=1),
    )
    assert opened(answer.generated_images[0].image.image_bytes).size == (512, 512)


def test_models(gemini):
    assert f"models/{FLASH}" in [model.name for model in gemini.models.list()]


def test_blocked(gemini):
    answer = gemini.models.generate_content(model=FLASH, contents="something [[fault: moderation]]")
    assert answer.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    answer = gemini.models.generate_content(model=FLASH, contents="something [[fault: moderation stage=output]]")
    assert answer.candidates[0].finish_reason == types.FinishReason.IMAGE_SAFETY


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [("status=429", 429, "RESOURCE_EXHAUSTED"), ("status=503", 503, "UNAVAILABLE"), ("failed", 500, "INTERNAL")],
)
def test_faults(gemini, fault, code, status):
    with pytest.raises(errors.APIError) as caught:
        gemini.models.generate_content(model=FLASH, contents=f"a cat [[fault: {fault}]]")
    assert (caught.value.code, caught.value.status) == (code, status)


def test_keys_and_fields_that_are_none(gemini, sandbox):
    stranger = genai.Client(api_key="nonsense", http_options={"base_url": f"{sandbox.url}/gemini"})
    with pytest.raises(errors.ClientError) as caught:
        stranger.models.generate_content(model=FLASH, contents=GENERATE_PROMPT)
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=FLASH, contents=GENERATE_PROMPT, config=config(aspect_ratio="7:3"))
    assert "aspect_ratio" in caught.value.message


@pytest.mark.parametrize("surface", ["gemini", "vertex"])
def test_tokens_are_counted_beforehand(surface, request):
    client = request.getfixturevalue(surface)
    contents = [types.Part.from_bytes(data=source(512, 512), mime_type="image/png"), EDIT_PROMPT]
    counted = client.models.count_tokens(model=FLASH, contents=contents)
    made = client.models.generate_content(model=FLASH, contents=contents)
    assert counted.total_tokens == made.usage_metadata.prompt_token_count


def test_files_are_uploaded_named_and_removed(gemini, tmp_path):
    path = tmp_path / "before.png"
    path.write_bytes(source(512, 512))
    file = gemini.files.upload(file=path, config=types.UploadFileConfig(display_name="before"))
    assert (file.state, file.mime_type, file.size_bytes) == ("ACTIVE", "image/png", path.stat().st_size)
    assert gemini.files.get(name=file.name).uri == file.uri
    assert file.name in [one.name for one in gemini.files.list()]
    (picture,) = pictures(gemini.models.generate_content(model=FLASH, contents=[file, EDIT_PROMPT]))
    assert picture.size == (1024, 1024)
    gemini.files.delete(name=file.name)
    with pytest.raises(errors.ClientError) as caught:
        gemini.models.generate_content(model=FLASH, contents=[file, EDIT_PROMPT])
    assert caught.value.code == 403


def test_words_that_the_client_writes_in_capitals(vertex):
    answer = vertex.models.generate_images(
        model="imagen-4.0-generate-001",
        prompt=GENERATE_PROMPT,
        config=types.GenerateImagesConfig(
            number_of_images=1,
            person_generation=types.PersonGeneration.ALLOW_ADULT,
            safety_filter_level=types.SafetyFilterLevel.BLOCK_ONLY_HIGH,
        ),
    )
    assert opened(answer.generated_images[0].image.image_bytes).size == (1024, 1024)
