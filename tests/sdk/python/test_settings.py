"""What the surroundings may and may not change."""

from openai import OpenAI
from pictures import GENERATE_PROMPT, check
from servers import Gateway

FOREIGN = {
    "OPENAI_API_KEY": "sk-foreign",
    "FAL_KEY": "foreign:foreign",
    "REPLICATE_API_TOKEN": "r8_foreign",
    "PICTOR_OPENAI_API_KEY": "sk-foreign",
    # Nothing listens there: a call to a provider taken for real would fail.
    "PICTOR_OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "PICTOR_FAL_BASE_URL": "http://127.0.0.1:9/queue",
    "PICTOR_REPLICATE_BASE_URL": "http://127.0.0.1:9/v1",
}


def test_always_the_sandbox_whatever_credentials_there_are(tmp_path):
    gateway = Gateway(tmp_path, PICTOR_SANDBOX="always", **FOREIGN)
    try:
        client = OpenAI(base_url=gateway.openai_url, api_key=gateway.key)
        for provider in ("openai", "fal", "replicate"):
            answer = client.images.generate(
                model=f"{provider}/gpt-image-1.5", prompt=GENERATE_PROMPT, quality="low", size="1024x1024"
            )
            check(answer, size="1024x1024")
            assert answer.metadata["sandbox"] is True
        printed = gateway.printed()
        assert " REAL" not in printed
        assert "foreign" not in printed
    finally:
        gateway.stop()


def test_a_credential_makes_its_provider_real_and_the_others_none(tmp_path):
    gateway = Gateway(tmp_path, OPENAI_API_KEY="sk-foreign", PICTOR_OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    try:
        gateway.wait_for("try it")
        states = {line.split()[0]: line.split()[1] for line in gateway.output if line.startswith("  ") and len(line.split()) > 1}
        assert states["openai"] == "REAL"
        assert (states["fal"], states["replicate"], states["mock"]) == ("OFF", "OFF", "SANDBOX")
        assert "sk-foreign" not in gateway.printed()
    finally:
        gateway.stop()


def test_the_first_key_is_private_and_made_once(tmp_path):
    first = Gateway(tmp_path)
    first.stop()
    key = tmp_path / "first-key"
    assert key.stat().st_mode & 0o777 == 0o600
    again = Gateway(tmp_path)
    try:
        assert again.key == first.key
        client = OpenAI(base_url=again.openai_url, api_key=again.key)
        assert client.models.retrieve("mock-image").id == "mock-image"
    finally:
        again.stop()
