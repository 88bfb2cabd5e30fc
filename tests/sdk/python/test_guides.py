"""Every bash and Python sample of the guides runs as it stands, one guide after the other in an empty folder of its own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from guides import ADDRESS, guides, samples
from servers import ROOT, environment, program

SAMPLE_TIMEOUT_S = 60


@pytest.mark.parametrize("guide", guides(), ids=lambda path: path.stem)
def test_samples_run(guide, gateway, tmp_path):
    # The reader's gateway was started in this folder.
    (tmp_path / "pictor-data").symlink_to(gateway.folder)
    surroundings = environment(
        PICTOR_API_KEY=gateway.key,
        PICTOR_URL=gateway.url,
        PATH=f"{Path(program()).parent}{os.pathsep}{os.environ['PATH']}",
    )
    for sample in samples(guide):
        text = sample.text.replace(ADDRESS, gateway.url)
        if sample.language == "bash":
            command = ["bash", "-euo", "pipefail", "-c", text]
        elif sample.language == "python":
            command = [sys.executable, "-c", text]
        else:
            continue
        done = subprocess.run(
            command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, timeout=SAMPLE_TIMEOUT_S
        )
        printed = done.stdout + done.stderr
        assert done.returncode == 0, f"{sample}:\n{printed}"
        # curl ends well also when the answer is an error.
        if sample.language == "bash":
            assert '{"error"' not in printed, f"{sample}:\n{printed}"


def test_the_list_of_guides_is_whole():
    listed = tomllib.loads((ROOT / "docs/guides.toml").read_text())
    slugs = [slug for group in listed["groups"] for slug in group["guides"]]
    assert sorted(slugs) == sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
    assert len(slugs) == len(set(slugs))


def test_every_guide_has_a_title_and_a_description_and_no_dead_link():
    for path in sorted((ROOT / "docs").glob("*.md")):
        lines = path.read_text().split("\n")
        assert lines[0].startswith("# ") and lines[1] == "" and lines[2], path.name
        for target in links(path.read_text()):
            if target.startswith(("/", "http")):
                continue
            file, _, anchor = target.partition("#")
            leads_to = path.parent / file if file else path
            assert leads_to.is_file(), f"{path.name}: {target}"
            assert not anchor or anchor in anchors(leads_to.read_text()), f"{path.name}: {target}"


def links(text: str) -> list[str]:
    return [part.split(")")[0] for part in text.split("](")[1:]]


def anchors(text: str) -> set[str]:
    headings = [line.lstrip("#").strip() for line in text.split("\n") if line.startswith("#")]
    kept = ["".join(it for it in heading.lower() if it.isalnum() or it in " -_") for heading in headings]
    return {heading.replace(" ", "-") for heading in kept}
