"""The project's playbooks, run from this machine on a pair of test machines."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.ansible.machines import NAMES, Pair, ssh_options

ROOT = Path(__file__).resolve().parent.parent.parent
ANSIBLE = ROOT / "ansible"
BIN = Path(sys.executable).parent
BRIDGE = "runuser -u glpi-bridge -- glpi-bridge"
"""The command on Server B, as its account."""
SECRETS = {
    "vault_glpi_db_password": "glpi-base'0123456789",
    "vault_glpi_admin_password": "glpi-admin-0123456789",
    "vault_zabbix_db_password": "zabbix-base'0123456789",
    "vault_zabbix_admin_password": "zabbix-admin-0123456789",
}
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """How a playbook went: `changed` by host."""

    code: int
    output: str

    @property
    def changed(self) -> dict[str, int]:
        """Tasks that changed something."""
        return {host: int(changed) for host, _, changed, _, _ in _RECAP.findall(self.output)}

    @property
    def what_changed(self) -> list[str]:
        """The names of the tasks that did, for a message."""
        names = []
        task = ""
        for line in self.output.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.split("[", 1)[1].split("]", 1)[0]
            elif line.startswith("changed: "):
                names.append(f"{task}: {line[len('changed: ') :]}")
        return names


def _given(name: str) -> dict[str, object]:
    """Variables that name an archive of the environment; {} without one."""
    archive = os.environ.get(name)
    if not archive:
        return {}
    place = archive if "://" in archive else str(Path(archive).resolve())
    return {"glpi_archive": place, "glpi_archive_sha256": os.environ[f"{name}_SHA256"]}


class Site:
    """The pair, an inventory of it, and the variables of a person who has filled them in."""

    def __init__(self, pair: Pair, directory: Path, wheels: Path) -> None:
        self.pair = pair
        self.directory = directory
        self._numbers = itertools.count(1)
        self.archives = directory / "archives"
        self.archives.mkdir()
        self.variables: dict[str, object] = {
            **dict(zip(("glpi_fqdn", "site_fqdn"), NAMES["a"], strict=True)),
            "zabbix_fqdn": NAMES["b"][0],
            "admin_networks": [f"{pair.address(1)}/32"],
            "user_networks": [f"10.77.{pair.number}.0/24"],
            "tls_mode": "internal_ca",
            "tls_internal_ca_directory": str(directory / "pki"),
            "bridge_package_cache": str(wheels),
            **SECRETS,
            **self._archive(),
        }
        wheels.mkdir(parents=True, exist_ok=True)
        self._write_inventory()

    def _archive(self) -> dict[str, object]:
        return _given("GLPI_ARCHIVE") or self.standin("10.0.19")

    def newer(self) -> tuple[str, dict[str, object]]:
        """The version of a newer release that works, and variables that name it."""
        given = _given("GLPI_NEWER_ARCHIVE") or self.standin("11.0.6")
        return Path(str(given["glpi_archive"])).stem.removeprefix("glpi-"), given

    def standin(self, version: str, *, broken: bool = False) -> dict[str, object]:
        """Variables that name a stand-in release of that version."""
        from tests.ansible.standin.build import build

        path, digest = build(self.archives, version, broken=broken)
        return {"glpi_archive": str(path), "glpi_archive_sha256": digest}

    def own_certificate(self, *names: str, lifetime: str = "-days 30") -> dict[str, object]:
        """Variables that name a certificate of an authority of one's own, for all of the pair's names or these."""
        place = self.directory / "own" / str(next(self._numbers))
        place.mkdir(parents=True)
        wanted = ",".join(f"DNS:{name}" for name in names or (one for each in NAMES.values() for one in each))
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        made = self.pair.b.run(f"""
            set -e; cd "$(mktemp -d)"; exec 2>log
            openssl req -x509 {key} -days 30 -subj '/CN=an authority of our own' \\
                -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
            openssl req {key} -subj /CN=pair -addext subjectAltName={wanted} -keyout host.key -out host.csr
            openssl x509 -req -in host.csr -copy_extensions copy -CA ca.pem -CAkey ca.key {lifetime} -out host.pem
            tail -n +1 host.pem host.key ca.pem; rm -r "$PWD"
        """)
        for name, text in re.findall(r"==> (\S+) <==\n(.*?-----END [^\n]+\n)", made, re.DOTALL):
            (place / name).write_text(text)
        named = {"certificate": "host.pem", "key": "host.key", "ca": "ca.pem"}
        return {"tls_mode": "files", **{f"tls_files_{what}": str(place / name) for what, name in named.items()}}

    def _write_inventory(self) -> None:
        hosts = {
            f"server_{machine.name}": {"hosts": {machine.name: {"ansible_host": machine.address}}}
            for machine in self.pair.machines
        }
        key, *options = ssh_options(self.pair.key)[1:]
        login = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": key,
            "ansible_ssh_common_args": " ".join(options),
        }
        (self.directory / "inventory.yml").write_text(yaml.safe_dump({"all": {"children": hosts, "vars": login}}))

    def play(self, playbook: str, *arguments: str, **variables: object) -> Played:
        """Run a playbook of the project, whatever comes of it."""
        given = self.directory / "variables.json"
        given.write_text(json.dumps({**self.variables, **variables}))
        given.chmod(0o600)
        done = subprocess.run(
            [BIN / "ansible-playbook", "-i", self.directory / "inventory.yml", "-e", f"@{given}", *arguments, playbook],
            cwd=ANSIBLE,
            env={
                **os.environ,
                "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
                "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
                "ANSIBLE_NOCOLOR": "1",
                "PYTHONWARNINGS": "ignore",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return Played(done.returncode, done.stdout)

    def must(self, playbook: str, *arguments: str, **variables: object) -> Played:
        """Run a playbook that is to succeed."""
        played = self.play(playbook, *arguments, **variables)
        assert played.code == 0, f"{playbook} {' '.join(arguments)}\n{played.output[-8000:]}"
        return played

    def refused(self, playbook: str, *arguments: str, **variables: object) -> str:
        """Run a playbook that is to refuse before it changes anything; gives its words."""
        played = self.play(playbook, *arguments, **variables)
        assert played.code != 0, f"{playbook} was not refused"
        assert not any(played.changed.values()), played.what_changed
        return " ".join(played.output.split())
