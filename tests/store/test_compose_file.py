"""That docker-compose.yml says what it should as far as that can be seen without Docker, and that the pages agree."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml
from sqlalchemy.engine import make_url

from qingting.store.elastic_address import parse_address

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
HEADER = "\n".join(line.removeprefix("#").strip() for line in TEXT.splitlines() if line.startswith("#"))
ELASTIC_PAGE = (ROOT / "docs" / "elasticsearch.md").read_text(encoding="utf-8")
POSTGRES_PAGE = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")

KEYS = {
    *("image", "user", "volumes", "command", "depends_on", "environment", "mem_limit", "ulimits", "ports"),
    *("healthcheck", "restart"),
}
"""What a service may say, of all that the Compose Specification knows."""


def mounts(service: str) -> dict[str, str]:
    """Return where a service sees each volume."""
    parts = (each.split(":") for each in SERVICES[service]["volumes"])
    return {name: place for name, place, *_ in parts}


def test_it_names_only_what_it_defines_and_what_the_specification_knows() -> None:
    assert set(COMPOSE) == {"services", "volumes"}
    for name, service in SERVICES.items():
        assert set(service) <= KEYS, name
        assert set(mounts(name)) <= set(COMPOSE["volumes"])
        for needed, how in service.get("depends_on", {}).items():
            assert (needed in SERVICES, how) == (True, {"condition": "service_completed_successfully"})
        # Compose takes text and numbers here; a bare true would be refused.
        assert all(isinstance(value, str) for value in service.get("environment", {}).values())


def test_images_are_those_that_the_pages_say_were_tested() -> None:
    assert SERVICES["elasticsearch"]["image"] == SERVICES["certificates"]["image"] == "elasticsearch:9.2.0"
    assert "Tested with Elasticsearch 9.2.0" in ELASTIC_PAGE
    assert SERVICES["postgres"]["image"] == "postgres:15"
    assert "tested with 15" in POSTGRES_PAGE


def test_servers_are_reached_from_this_machine_only_and_no_password_stands_in_the_file() -> None:
    for name in ("elasticsearch", "postgres"):
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])
    wanted = set(re.findall(r"\$\{(\w+):\?[^}]+\}", TEXT))
    assert wanted == {"ELASTIC_PASSWORD", "POSTGRES_PASSWORD"}
    assert all(f"{name}=…" in HEADER for name in wanted)
    given = {**SERVICES["elasticsearch"]["environment"], **SERVICES["postgres"]["environment"]}
    assert all(value.startswith("${") for key, value in given.items() if "PASSWORD" in key)


def test_the_script_that_makes_certificates_is_one_and_makes_what_the_servers_read() -> None:
    (interpreter, flags, script) = SERVICES["certificates"]["command"]
    assert (interpreter, flags) == ("bash", "-ec")
    script = script.replace("$$", "$")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    (made,) = re.findall(r"for name in ([\w ]+); do", script)
    settings = SERVICES["elasticsearch"]["environment"]
    assert (settings["xpack.security.enabled"], settings["xpack.security.http.ssl.enabled"]) == ("true", "true")
    at = mounts("elasticsearch")["certificates"].removeprefix("/usr/share/elasticsearch/config/")
    paths = {value.removeprefix(f"{at}/") for key, value in settings.items() if ".ssl." in key and "/" in value}
    place = mounts("postgres")["certificates"]
    commands = dict(each.removeprefix("-c").split("=") for each in SERVICES["postgres"]["command"][1:])
    assert commands["ssl"] == "on"
    paths |= {value.removeprefix(f"{place}/") for value in commands.values() if "/" in value}
    files = {f"{name}/{name}.{kind}" for name in made.split() for kind in ("crt", "key")}
    assert paths == {*files, "ca/ca.crt"}
    # Both are verified by these names.
    assert script.count("--dns localhost --ip 127.0.0.1") == 1


def test_the_key_that_it_asks_for_may_do_what_the_page_says_and_nothing_else() -> None:
    (asked,) = re.findall(r"-d '(\{.*?\})'\n", HEADER, re.DOTALL)
    (told,) = re.findall(r"POST /_security/api_key\n(\{.*?\})\n```", ELASTIC_PAGE, re.DOTALL)
    assert json.loads(asked) == json.loads(told)
    (role,) = json.loads(asked)["role_descriptors"].values()
    assert role["indices"][0]["names"] == ["qingting-posts*"]


@pytest.mark.parametrize("text", [HEADER, ELASTIC_PAGE])
def test_the_addresses_that_it_gives_are_ones_that_we_follow(text: str) -> None:
    root = certifi.where()
    urls = re.findall(r"QINGTING_POSTS_URL='([^']+)'", text)
    assert urls
    for url in urls:
        address = parse_address(re.sub(r"ca=[^&]+", f"ca={root}", url))
        assert (address.secret, address.authorities) == ("KEY", root)


@pytest.mark.parametrize("text", [HEADER, POSTGRES_PAGE])
def test_the_database_that_it_gives_is_asked_to_prove_who_it_is(text: str) -> None:
    urls = re.findall(r"QINGTING_CASES_URL='([^']+)'", text)
    assert urls
    for url in urls:
        asked = make_url(url)
        assert (asked.query["sslmode"], "sslrootcert" in asked.query) == ("verify-full", True)
