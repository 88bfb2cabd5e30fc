"""Files of deploy/ are what their readers take."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import DEPLOY, ROOT

CHART = DEPLOY / "helm/pictor"


def test_the_dockerfile_is_clean():
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_not_roots_and_tells_its_health():
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.search(r"^USER 65532:65532$", text, re.M)
    assert '"/usr/local/bin/pictor", "health", "--live"' in text
    # The toolchain is one that the workspace is content with.
    least = re.search(r'^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    assert f"FROM rust:{least}-slim-bookworm AS build" in text


def test_the_unit_is_legal_and_hardened(tmp_path):
    # The program itself need not be installed for that.
    unit = tmp_path / "pictor.service"
    text = (DEPLOY / "systemd/pictor.service").read_text()
    unit.write_text(text.replace("ExecStart=/usr/local/bin/pictor serve", "ExecStart=/bin/true"))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert verified.returncode == 0 and not verified.stderr, verified.stderr
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit], capture_output=True, text=True
    )
    assert rated.returncode == 0, rated.stdout[-400:] + rated.stderr


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_compose_names_what_is_there():
    services = compose()["services"]
    assert {"pictor", "postgres", "objects", "prometheus", "grafana"} <= services.keys()
    context = (DEPLOY / services["pictor"]["build"]["context"]).resolve()
    assert (context / services["pictor"]["build"]["dockerfile"]).is_file()
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in compose()["volumes"], source
        for other in service.get("depends_on", []):
            assert other in services
    # Every variable without a default is in the example.
    wanted = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert wanted == set(re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.M))


def test_compose_ends_pictor_no_sooner_than_it_may_take():
    seconds = int(compose()["services"]["pictor"]["stop_grace_period"].removesuffix("s"))
    unit = int(re.search(r"TimeoutStopSec=(\d+)", (DEPLOY / "systemd/pictor.service").read_text()).group(1))
    chart = yaml.safe_load((CHART / "values.yaml").read_text())["terminationGracePeriodSeconds"]
    default = int(re.search(r"^#shutdown_s = (\d+)", (ROOT / "pictor.example.toml").read_text(), re.M).group(1))
    assert min(seconds, unit, chart) > default


def settings_named(text: str) -> set[str]:
    return set(re.findall(r"\bPICTOR_[A-Z_]+\b", text))


def test_every_setting_that_is_named_exists():
    own = (ROOT / "docs/settings.md").read_text() + (ROOT / "docs/self-hosting.md").read_text()
    known = settings_named(own) | {"PICTOR_PORT"}
    for file in DEPLOY.rglob("*"):
        if file.is_file():
            unknown = settings_named(file.read_text()) - known
            assert not unknown, f"{file}: {unknown}"


def plain(template: str) -> str:
    """A template without its expressions: lines that are only for Helm are left out, values become a word."""
    lines = []
    for line in template.splitlines():
        if re.fullmatch(r"\s*\{\{-?.*-?\}\}\s*", line):
            continue
        lines.append(re.sub(r'"?\{\{-?.*?-?\}\}"?', "x", line))
    return "\n".join(lines)


def test_the_chart_can_be_read():
    """Helm itself is not run: its templates are read as YAML once their expressions are out."""
    kinds = set()
    for file in sorted((CHART / "templates").glob("*.yaml")):
        document = yaml.safe_load(plain(file.read_text()))
        kinds.add(document["kind"])
        assert document["metadata"]["name"] == "x", file
    assert {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"} <= kinds
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = re.search(r'^version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    assert chart["appVersion"] == version


def test_every_value_of_the_chart_is_set():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for file in sorted((CHART / "templates").iterdir()):
        text = file.read_text()
        assert text.count("{{- if") + text.count("{{- with") + text.count("{{- range") + text.count(
            "{{- define"
        ) == text.count("{{- end"), f"{file.name}: what is opened is closed"
        for path in re.findall(r"\.Values\.([A-Za-z.]+)", text):
            found = values
            for part in path.split("."):
                assert part in found, f"{file.name}: {path}"
                found = found[part]


def test_probes_ask_what_is_served():
    text = (CHART / "templates/deployment.yaml").read_text()
    assert set(re.findall(r"path: (/\w+)", text)) >= {"/healthz", "/readyz"}
