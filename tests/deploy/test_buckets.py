"""Images in a bucket of moto, an S3 API that others wrote, read back by the official client."""

import sys

import boto3
import httpx
import pytest
from conftest import Program, free_port, generate, until
from servers import Gateway

OWN = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "a-secret", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def endpoint():
    port = free_port()
    program = Program(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port))
    url = f"http://127.0.0.1:{port}"
    until("moto", lambda: httpx.get(f"{url}/moto-api/").status_code == 200)
    yield url
    program.stop()


@pytest.fixture(scope="module")
def s3(endpoint):
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="a-key",
        aws_secret_access_key="a-secret",
    )
    client.create_bucket(Bucket="images")
    return client


@pytest.fixture
def stored(endpoint, s3, tmp_path):
    server = Gateway(
        tmp_path / "data",
        PICTOR_MEDIA_URL="s3://images/some/where",
        PICTOR_MEDIA_REDIRECT="true",
        AWS_ENDPOINT=endpoint,
        AWS_ALLOW_HTTP="true",
        **OWN,
    )
    yield server
    server.stop()


def test_an_image_lies_there_with_its_type_and_is_read_by_its_link(stored, s3):
    answer = generate(stored, response_format="url", output_format="webp")
    assert answer.status_code == 200, answer.text
    (found,) = s3.list_objects_v2(Bucket="images", Prefix="some/where/")["Contents"]
    head = s3.head_object(Bucket="images", Key=found["Key"])
    assert head["ContentType"] == "image/webp"
    assert head["CacheControl"] == "private, max-age=3600, immutable"
    bytes_there = s3.get_object(Bucket="images", Key=found["Key"])["Body"].read()
    link = answer.json()["data"][0]["url"]
    sent = httpx.get(link)
    assert sent.status_code == 307 and sent.headers["location"].startswith("http://")
    assert httpx.get(sent.headers["location"]).content == bytes_there
    assert httpx.get(link, headers={"sec-fetch-site": "same-origin"}).content == bytes_there
    # What is removed here is removed there.
    headers = {"authorization": f"Bearer {stored.key}"}
    removed = httpx.delete(f"{stored.url}/v1/requests/{answer.json()['id']}/payloads", headers=headers)
    assert removed.is_success, removed.text
    assert "Contents" not in s3.list_objects_v2(Bucket="images", Prefix="some/where/")
