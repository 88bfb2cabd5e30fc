"""`pictor catalog`: works on the files alone."""

import json
import subprocess

from servers import environment, program


def catalog(*arguments: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run([program(), "catalog", *arguments], env=environment(**variables), capture_output=True, text=True)


def fine(*arguments: str, **variables: str) -> str:
    done = catalog(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_check_and_list():
    assert "no mistakes" in fine("check")
    listed = fine("list")
    assert "gpt-image-1.5" in listed
    assert "dall-e-3" not in listed
    assert "retired" in fine("list", "--all")


def test_show_and_schema():
    shown = fine("show", "gpt-image-1-mini")
    assert "1536x1024" in shown
    assert "$0.005 per image output low, 1024x1024" in shown
    schema = json.loads(fine("schema", "gpt-image-1-mini"))
    assert schema["properties"]["quality"]["x-values"] == ["high", "low", "medium"]
    unknown = catalog("show", "gpt-image-9")
    assert unknown.returncode == 1
    assert "gpt-image-9" in unknown.stderr


def test_explain():
    told = fine("explain", "gpt-image-1-mini", "aspect_ratio=16:9", "quality=low", "seed=7", "--all-providers", "--on", "2026-08-15", PICTOR_STRATEGY="cheapest")
    assert "1. openai gpt-image-1-mini" in told
    assert "becomes 3:2: nearest" in told
    assert "openai_api_key" in told
    explanation = json.loads(fine("explain", "gpt-image-1.5", "quality=hd", "n=5", "--json", "--all-providers"))
    assert [offer["place"] for offer in explanation["offers"]] == [1, 2, 3]
    assert explanation["offers"][0]["sent"]["fields"]["quality"] == "high"
    later = json.loads(fine("explain", "gpt-image-1.5", "--json", "--all-providers", "--on", "2027-01-01"))
    assert later["offers"][-1]["provider"] == "openai"
    assert "2026-12-01" in later["offers"][-1]["reason"]


def test_a_folder_of_ones_own(tmp_path):
    models = tmp_path / "models"
    models.mkdir()
    own = fine("show", "flux.1-schnell", "--toml").replace('"0.003"', '"0.001"').replace("flux.1-schnell", "house-model")
    (models / "house.toml").write_text(own.replace('"flux-schnell", "flux-1-schnell"', '"house"'))
    folder = {"PICTOR_CATALOG_DIR": str(tmp_path)}
    assert "$0.001" in fine("list", **folder)
    assert "house-model" in fine("explain", "house", "--all-providers", **folder)
    (tmp_path / "off.toml").write_text('models = ["house-modle"]\n')
    wrong = catalog("check", "--dir", str(tmp_path))
    assert wrong.returncode == 1
    assert "off.toml:1: models: unknown model 'house-modle'; did you mean 'house-model'?" in wrong.stderr
    (tmp_path / "off.toml").write_text('models = ["house-model"]\n')
    assert "house-model" not in fine("list", **folder)
    assert "switched off" in fine("list", "--all", **folder)
