"""The container set-up without a daemon: pinned, limited, watched, with commands that exist (platform.md section 8)."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tanji.cli.main import parser

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("tanji:")]


def filled(text: str) -> str:
    """A value with compose's variables at their defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    return [tuple(filled(volume).split(":")[:2]) for volume in service.get("volumes", ())]  # type: ignore[misc]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_watched_limited_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", service["image"]), service["image"]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL") and service["healthcheck"]["interval"]
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory", "pids"} <= limits.keys()
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "influxdb"])
def test_every_service_but_the_database_starts_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
    assert service["user"] and not service["user"].startswith(("0", "root"))


def test_versions_are_the_chosen_ones() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["influxdb"] == "influxdb:2.9.1" and images["telegraf"] == "telegraf:1.39.3"
    assert images["grafana"].startswith("grafana/grafana:12.4.")
    assert set(OURS) == {"sealer", "log", "poller", "receiver", "jobs", "ledger"}
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(bases) == {bases[0]} and re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases[0])


def test_what_is_named_is_declared_and_what_is_declared_is_used() -> None:
    volumes, secrets, networks = set(), set(), set()
    for service in SERVICES.values():
        volumes |= {source for source, _ in mounts(service) if not source.startswith((".", "/"))}
        secrets |= set(service.get("secrets", ()))
        networks |= set(service["networks"])
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        assert all(
            condition == {"condition": "service_healthy"} for condition in service.get("depends_on", {}).values()
        )
    assert volumes == COMPOSE["volumes"].keys()
    assert secrets == COMPOSE["secrets"].keys()
    assert networks == COMPOSE["networks"].keys()


def test_files_that_are_mounted_from_the_repository_exist() -> None:
    own = {"./plant.yaml"}  # the reader's
    for service in SERVICES.values():
        for source, _ in mounts(service):
            assert not source.startswith(".") or source in own or (ROOT / source).exists(), source


def test_secrets_are_files_and_none_is_in_the_environment() -> None:
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|USERNAME", name):
                assert name.endswith("_FILE") and str(value).startswith("/run/secrets/"), name
    ignored = (ROOT / "secrets" / ".gitignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"


def test_each_part_sees_its_own_token_only() -> None:
    for name in ("sealer", "jobs", "ledger", "grafana"):
        tokens = [mount for mount in mounts(SERVICES[name]) if mount[0].endswith("-token")]
        assert tokens == [(f"{name}-token", "/run/tanji")]
        assert f"{name}-token:/run/tanji:ro" in SERVICES[name]["volumes"]
        assert (f"{name}-token", f"/run/tanji-tokens/{name}") in mounts(SERVICES["influxdb"])
    assert not any("token" in source for name in ("poller", "telegraf") for source, _ in mounts(SERVICES[name]))


def test_secrets_of_the_plant_file_are_seen_by_every_part_that_reads_them() -> None:
    """The sealer's token by its senders too; OPC UA by both who read it, and refused certificates can be kept."""
    seen = {
        "hj212": {"receiver": ":ro"},
        "opcua": {"poller": "", "telegraf": ":ro"},
        "sealer": dict.fromkeys(("sealer", "poller", "receiver", "jobs", "telegraf"), ":ro"),
    }
    for folder, readers in seen.items():
        mount = f"./secrets/{folder}:/run/{folder}"
        found = {
            (name, each) for name, service in SERVICES.items() for each in service.get("volumes", ()) if mount in each
        }
        assert found == {(name, f"{mount}{mode}") for name, mode in readers.items()}
        assert f"`/run/{folder}`" in (ROOT / "secrets" / "README.md").read_text(encoding="utf-8")
        assert f"/run/{folder}/" in (ROOT / "secrets" / folder / "README.md").read_text(encoding="utf-8")
        assert f"!{folder}/" in (ROOT / "secrets" / ".gitignore").read_text(encoding="utf-8").split()


def test_nothing_is_published_beyond_this_machine() -> None:
    for service in SERVICES.values():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
        assert not service.get("ports") or "edge" in service["networks"], "a port of an internal network goes nowhere"
    assert COMPOSE["networks"]["core"] == {"internal": True}


@pytest.mark.parametrize("name", OURS)
def test_the_commands_of_our_services_exist(name: str) -> None:
    program, *arguments = SERVICES[name]["command"]
    if program == "python":
        assert arguments[0] == "-m" and (ROOT / arguments[1].replace(".", "/") / "__main__.py").is_file()
        return
    assert program == "tanji"
    assert callable(parser().parse_args(arguments).func)


def test_each_part_sees_its_own_key_of_the_evidence_only_and_the_log_is_read_by_those_who_compare() -> None:
    for name in ("sealer", "jobs", "log"):
        keys = [each for each in SERVICES[name]["volumes"] if "/run/trust" in each]
        assert keys == [f"./secrets/trust/{name}:/run/trust:ro"]
    readers = {name for name in SERVICES if "log-data:/var/lib/tanji/log:ro" in SERVICES[name].get("volumes", ())}
    assert readers == {"jobs", "ledger"}
    assert "log-data:/var/lib/tanji/log" in SERVICES["log"]["volumes"] and SERVICES["log"]["profiles"] == ["trust"]
    assert "!trust/" in (ROOT / "secrets" / ".gitignore").read_text(encoding="utf-8").split()


def test_the_commands_of_the_page_about_it_exist() -> None:
    page = (ROOT / "docs" / "compose.md").read_text(encoding="utf-8")
    command = "tanji plant apply plant.yaml --out telegraf/rendered --sealer http://sealer:8186"
    assert f" {command}\n" in page
    parser().parse_args(command.split()[1:])


def test_grafana_finds_sources_and_dashboards_where_they_are_mounted() -> None:
    folder = ROOT / "provisioning" / "grafana"
    sources = yaml.safe_load((folder / "datasources" / "influx.yaml").read_text(encoding="utf-8"))["datasources"]
    grafana = SERVICES["grafana"]
    assert "TANJI_PLANT" in grafana["environment"]
    assert [source["uid"] for source in sources] == ["${TANJI_PLANT}-derived", "${TANJI_PLANT}-raw"]
    for source in sources:
        assert source["type"] == "influxdb" and source["editable"] is False
        assert source["jsonData"]["dbName"] == source["uid"].replace("-", "_")
        assert source["secureJsonData"]["httpHeaderValue1"] == "Token $__file{/run/tanji/influx_token}"
    (provider,) = yaml.safe_load((folder / "dashboards" / "provider.yaml").read_text(encoding="utf-8"))["providers"]
    assert ("./dashboards/json", provider["options"]["path"]) in mounts(grafana)
    assert provider["allowUiUpdates"] is False


FAKE_INFLUX = """#!/bin/bash
echo "influx $*" >> "$CALLS"
case "$1 $2" in
  "bucket list") for last; do :; done; echo -e "id-$6\\t$6\\tinfinite" ;;
  "auth create") printf '{\\n\\t"id": "1",\\n\\t"token": "token-%s==",\\n\\t"status": "active"\\n}\\n' "$6" ;;
esac
"""


def test_the_set_up_script_makes_buckets_and_scoped_tokens(tmp_path: Path) -> None:
    """Run with a stand-in for the influx command that answers as version 2 does."""
    script = (ROOT / "provisioning" / "influxdb" / "10-buckets-and-tokens.sh").read_text(encoding="utf-8")
    assert os.access(ROOT / "provisioning" / "influxdb" / "10-buckets-and-tokens.sh", os.X_OK)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "influx").write_text(FAKE_INFLUX)
    (tmp_path / "bin" / "influx").chmod(0o755)
    for part in ("sealer", "jobs", "ledger", "grafana"):
        (tmp_path / "tokens" / part).mkdir(parents=True)
    calls = tmp_path / "calls"
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "TANJI_PLANT": "hx01",
        "DOCKER_INFLUXDB_INIT_ORG": "plant",
    }
    text = script.replace("/run/tanji-tokens", str(tmp_path / "tokens"))
    subprocess.run(["bash", "-c", text], env=environment, check=True)
    assert (tmp_path / "tokens" / "jobs" / "influx_token").read_text() == "token-tanji jobs==\n"
    made = calls.read_text()
    for bucket in ("hx01_derived", "hx01_health"):
        assert f"bucket create --org plant --name {bucket} --retention 0" in made
    writers = re.findall(r"--description tanji (\w+) .*?((?:--write-bucket id-\S+ ?)*)--json", made)
    assert [(part, rights.split()[1::2]) for part, rights in writers] == [
        ("sealer", ["id-hx01_raw", "id-hx01_health"]),
        ("jobs", ["id-hx01_derived"]),
        ("ledger", []),
        ("grafana", []),
    ]


def test_the_set_up_script_stops_without_a_plant() -> None:
    script = ROOT / "provisioning" / "influxdb" / "10-buckets-and-tokens.sh"
    done = subprocess.run(["bash", str(script)], env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
    assert done.returncode != 0 and b"the id of the plant" in done.stderr
