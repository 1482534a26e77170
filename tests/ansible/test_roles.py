"""What the roles are, without a machine: lint, argument specs, and each template for both distributions."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ansible.site import ANSIBLE, BIN, ROOT

ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())
DISTRIBUTIONS = {
    "Debian-13": {"distribution": "Debian", "distribution_version": "13.2", "distribution_major_version": "13"},
    "Ubuntu-24": {"distribution": "Ubuntu", "distribution_version": "24.04", "distribution_major_version": "24"},
}
FACTS = {
    "hostname": "b",
    "fqdn": "b.example.org",
    "architecture": "x86_64",
    "python_version": "3.13.5",
    "processor_vcpus": 2,
    "memtotal_mb": 4000,
}
CA = ROOT / "tests/unit/tls/ca.pem"
KEYS = {"type", "default", "required", "choices", "elements", "description", "no_log", "options"}


def read(*parts: str) -> Any:
    path = ANSIBLE.joinpath("roles", *parts)
    return yaml.safe_load(path.read_text()) if path.exists() else None


def run(*command: str | Path, cwd: Path = ANSIBLE, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONWARNINGS": "ignore", **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_ansible_lint_has_no_complaint(tmp_path: Path) -> None:
    path = f"{BIN}:{os.environ['PATH']}"  # it starts ansible's commands by name
    done = run(BIN / "ansible-lint", "--offline", "--profile", "production", "-q", PATH=path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_argument_specs_are_the_defaults(role: str) -> None:
    spec = read(role, "meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = read(role, "defaults", "main.yml") or {}
    assert spec.keys() == defaults.keys()
    for name, option in spec.items():
        assert option["description"], name
        assert option.keys() <= KEYS, name
        assert option.get("default") == defaults[name], name


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_its_parts_and_keeps_to_its_own_names(role: str) -> None:
    files = {path.name for path in (ANSIBLE / "roles" / role / "tasks").iterdir()}
    assert {"main.yml", "preflight.yml"} <= files
    for distribution in DISTRIBUTIONS:
        facts = read(role, "vars", f"{distribution}.yml")
        assert facts is not None, distribution
        assert all(name.startswith(f"{role}_") for name in facts)
    assert all(name.startswith(f"{role}_") for name in read(role, "defaults", "main.yml") or {})
    assert read(role, "vars", "Debian-13.yml").keys() == read(role, "vars", "Ubuntu-24.yml").keys()


@pytest.mark.parametrize("role", ROLES)
def test_what_is_included_runs_under_the_tag_of_its_include(role: str) -> None:
    """Ansible gives an include's tags to the include alone: `--tags bridge` would leave out what is in it."""
    includes = [
        task[f"ansible.builtin.{kind}"]
        for path in (ANSIBLE / "roles" / role / "tasks").glob("*.yml")
        for task in flat(yaml.safe_load(path.read_text()))
        for kind in ("include_tasks", "include_role")
        if f"ansible.builtin.{kind}" in task
    ]
    assert all(one["apply"]["tags"] == ["always"] for one in includes), includes


def flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Tasks, and those of their blocks."""
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from flat(task.get(part) or [])


@pytest.mark.parametrize("role", ROLES)
def test_facts_that_were_not_seen_on_a_machine_are_marked(role: str) -> None:
    lines = (ANSIBLE / "roles" / role / "vars/Ubuntu-24.yml").read_text().splitlines()
    assert any("not run on a machine yet" in line for line in lines)
    for number, line in enumerate(lines, 1):
        value = line.split("#")[0].rstrip()
        is_fact = bool(value) and value != "---" and not value.endswith(":") and not value.lstrip().startswith("- ")
        assert not is_fact or "unverified" in line or "refused" in line or value.endswith(('""', "[]")), (
            f"line {number}: {line}"
        )


EXTRA: dict[str, Any] = {
    # what tasks find out before they use a template
    "zabbix_server_origin": "{{ zabbix_server_packages_from_default }}",
    "zabbix_server_conf_d": "{{ zabbix_server_include_directory[zabbix_server_origin] }}",
    "zabbix_server_alert_d": "{{ zabbix_server_alert_scripts[zabbix_server_origin] }}",
}


def render_tasks(role: str, place: Path) -> list[dict[str, Any]]:
    """Ansible's own way: defaults, facts of the distribution, then each template; an unknown variable is an error."""
    path = ANSIBLE / "roles" / role
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.include_vars": str(path / file)}
        for file in ("defaults/main.yml", "vars/{{ inventory_hostname }}.yml")
    ]
    for template in sorted(path.glob("templates/*.j2")):
        content = "{{ lookup('ansible.builtin.template', '" + str(template) + "') }}"
        copy = {"content": content, "dest": f"{place}/{{{{ inventory_hostname }}}}/{role}/{template.name}"}
        tasks.append(
            {"name": f"{role}/{template.name}", "ansible.builtin.copy": copy, "vars": {"role_path": str(path)}}
        )
        for name in DISTRIBUTIONS:
            (place / name / role).mkdir(parents=True, exist_ok=True)
    return tasks


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Each template as rendered, by distribution and `role/template`."""
    place = tmp_path_factory.mktemp("rendered")
    hosts = {
        "server_b": {
            "hosts": {
                name: {"ansible_host": "192.0.2.20", "facts": {**FACTS, **facts}}
                for name, facts in DISTRIBUTIONS.items()
            }
        },
        "server_a": {"hosts": {"server-a": {"ansible_host": "192.0.2.10"}}},
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": str(BIN / "python")}
    (place / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": hosts, "vars": local}}))
    (place / "group_vars").symlink_to(ANSIBLE / "group_vars")
    stored = {
        "ansible.builtin.set_fact": {
            "cacheable": True,
            **{name: f"{{{{ facts.{name} }}}}" for name in FACTS | DISTRIBUTIONS["Debian-13"]},
        }
    }
    tasks = [stored, *(task for role in ROLES for task in render_tasks(role, place))]
    play = {"name": "Render", "hosts": "server_b", "gather_facts": False, "tasks": tasks, "vars": EXTRA}
    (place / "render.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    given = ("-i", "inventory.yml", "-e", f"@{ANSIBLE / 'vault.example.yml'}", "-e", f"playbook_dir={ANSIBLE}")
    done = run(BIN / "ansible-playbook", *given, "render.yml", cwd=place, ANSIBLE_INJECT_FACT_VARS="False")
    assert done.returncode == 0, done.stdout[-6000:]
    return {
        name: {str(path.relative_to(place / name)): path.read_text() for path in (place / name).rglob("*.j2")}
        for name in DISTRIBUTIONS
    }


@pytest.mark.parametrize(
    ("distribution", "template", "line"),
    [
        ("Debian-13", "zabbix_server/server.conf.j2", "AlertScriptsPath=/etc/zabbix/alert.d"),
        ("Ubuntu-24", "zabbix_server/server.conf.j2", "AlertScriptsPath=/usr/lib/zabbix/alertscripts"),
        ("Debian-13", "zabbix_server/server.conf.j2", "LogFile=/var/log/zabbix-server/zabbix_server.log"),
        ("Ubuntu-24", "zabbix_server/server.conf.j2", "LogFile=/var/log/zabbix/zabbix_server.log"),
        ("Ubuntu-24", "zabbix_server/zabbix.sources.j2", "URIs: https://repo.zabbix.com/zabbix/7.0/ubuntu"),
        ("Ubuntu-24", "zabbix_server/zabbix.sources.j2", "Suites: noble"),
        ("Debian-13", "zabbix_agent/agent.conf.j2", "LogFile=/var/log/zabbix-agent/zabbix_agentd.log"),
        ("Ubuntu-24", "zabbix_agent/agent.conf.j2", "LogFile=/var/log/zabbix/zabbix_agentd.log"),
        ("Ubuntu-24", "zabbix_agent/agent.conf.j2", "TLSAccept=psk"),
        ("Debian-13", "bridge/glpi-bridge.service.j2", "ExecStart=/opt/glpi-bridge/venv/bin/glpi-bridge run"),
        ("Ubuntu-24", "bridge/bridge.yml.j2", "  url: https://glpi.example.org/"),
    ],
)
def test_a_template_is_right_on_each_distribution(
    rendered: dict[str, dict[str, str]], distribution: str, template: str, line: str
) -> None:
    assert line in rendered[distribution][template].splitlines()


def test_each_template_is_rendered_for_both(rendered: dict[str, dict[str, str]]) -> None:
    templates = {f"{path.parent.parent.name}/{path.name}" for path in ANSIBLE.glob("roles/*/templates/*.j2")}
    assert templates
    for distribution, made in rendered.items():
        assert made.keys() == templates, distribution
        assert all(text.strip() for text in made.values())


def test_the_settings_that_are_rendered_are_right(rendered: dict[str, dict[str, str]], tmp_path: Path) -> None:
    """bridge.yml, zabbix.yml and itil.yml are read as the bridge reads them."""
    from glpi_bridge.admin.itil_settings import load as load_itil
    from glpi_bridge.admin.zabbix.wishes import load as load_zabbix
    from glpi_bridge.config import load

    (tmp_path / "psk").mkdir()
    for host in ("server-a", *DISTRIBUTIONS):
        key = tmp_path / "psk" / f"{host}.psk"
        key.write_text("ab" * 32)
        key.chmod(0o600)
    for made in rendered.values():
        for name in ("bridge.yml", "itil.yml", "zabbix.yml"):
            text = made[f"bridge/{name}.j2"].replace("/etc/ssl/glpi-bridge/ca.pem", str(CA))
            (tmp_path / name).write_text(text)
        assert load(tmp_path / "bridge.yml", secrets=False).glpi.url
        assert load_itil(tmp_path / "itil.yml")
        assert load_zabbix(tmp_path / "zabbix.yml")
