"""A real Prometheus scrapes Pictor; every expression of the dashboard and of the alerts is run there."""

import json
import re
import subprocess

import httpx
import pytest
import yaml
from conftest import DEPLOY, Program, free_port, generate, until

ALERTS = DEPLOY / "prometheus/alerts.yml"
DASHBOARD = DEPLOY / "grafana/dashboards/pictor.json"
# Nothing came too late here, and no circuit is open: these series begin with their first event.
MAY_BE_EMPTY = ("pictor_undelivered_dollars_total", "pictor_offer_circuit_state")


@pytest.fixture(scope="module")
def prometheus(gateway, tmp_path_factory):
    """The file of deploy/, with the replica of this test in the place of those that DNS knows."""
    folder = tmp_path_factory.mktemp("prometheus")
    settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    figures = gateway.wait_for("metrics at http://").split("http://")[1].removesuffix("/metrics")
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = settings["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [figures]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    (folder / "alerts.yml").write_text(ALERTS.read_text())
    address = f"127.0.0.1:{free_port()}"
    program = Program(
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
    )
    url = f"http://{address}"
    until("Prometheus", lambda: httpx.get(f"{url}/-/ready").status_code == 200)
    until("a scrape", lambda: query(url, 'up{job="pictor"} == 1'))
    # Something of everything between two scrapes, so that there are rates.
    until("its begin", lambda: query(url, "pictor_generations_in_flight"))
    for number in range(3):
        assert generate(gateway, prompt=f"dunes {number}").status_code == 200
        assert generate(gateway, model="no-such-model").status_code == 404
    assert generate(gateway, prompt="[[fault:500]]").status_code in (200, 400, 502)
    until("their scrape", lambda: query(url, "sum(pictor_generations_total) > 5"))
    until("another one", lambda: query(url, "min(count_over_time(pictor_generations_total[1m])) > 2"))
    yield url
    program.stop()


def query(url: str, expression: str) -> list:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}).json()
    assert answer["status"] == "success", f"{expression}: {answer}"
    return answer["data"]["result"]


def panels(shown: list) -> list:
    return [panel for panel in shown if panel["type"] != "row"]


def dashboard_expressions() -> list[str]:
    dashboard = json.loads(DASHBOARD.read_text())
    return [target["expr"] for panel in panels(dashboard["panels"]) for target in panel["targets"]]


def filled_in(expression: str) -> str:
    """As Grafana asks it."""
    filled = expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$model", ".*")
    assert "$" not in filled, filled
    return filled


def alert_expressions() -> list[str]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def test_every_expression_of_the_dashboard_says_something(prometheus):
    for expression in dashboard_expressions():
        found = query(prometheus, filled_in(expression))
        assert found or any(name in expression for name in MAY_BE_EMPTY), f"nothing: {expression}"


def test_every_expression_of_the_alerts_runs_and_is_quiet(prometheus):
    for expression in alert_expressions():
        query(prometheus, expression)
    rules = httpx.get(f"{prometheus}/api/v1/rules").json()["data"]["groups"]
    told = [rule for group in rules for rule in group["rules"]]
    assert len(told) == len(alert_expressions())
    for rule in told:
        assert rule["health"] in ("ok", "unknown"), rule
        assert rule["state"] != "firing", rule


def test_every_name_in_an_expression_is_a_figure(prometheus, gateway):
    names = set(httpx.get(f"{prometheus}/api/v1/label/__name__/values").json()["data"])
    names |= {"pictor_undelivered_dollars_total"}
    for expression in dashboard_expressions() + alert_expressions():
        for name in re.findall(r"\bpictor_[a-z_]+", expression):
            assert name in names, f"{name} in {expression}"


def test_variables_of_the_dashboard_have_values(prometheus):
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
        values = httpx.get(f"{prometheus}/api/v1/label/{label}/values", params={"match[]": name}).json()["data"]
        assert values, variable["name"]


def test_panels_have_ids_of_their_own_and_do_not_overlap():
    shown = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in shown}) == len(shown)
    taken = set()
    for panel in shown:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_promtool_takes_the_rules():
    for words in (["check", "rules", ALERTS], ["test", "rules", DEPLOY / "prometheus/alerts_test.yml"]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
