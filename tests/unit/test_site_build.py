"""What `site build` writes: texts, sizes, colours, vendored code, the same bytes each time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from glpi_bridge.cli.main import main
from glpi_bridge.errors import SettingsError
from glpi_bridge.site import words
from glpi_bridge.site.build import build, contents
from glpi_bridge.site.settings import SiteSettings, contrast, load

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "frontend"
PACKED_LIMITS = {  # the brief's budgets, in bytes as gzip packs them
    "portal.js": 20_480, "panel.js": 30_720, "site.css": 6_144, "purify.js": 12_288,
}  # fmt: skip
FIRST_VIEW = {"portal": 61_440, "panel": 81_920}
COLD_REQUESTS = 10


def packed(data: bytes) -> int:
    return len(gzip.compress(data, 9))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return contents(SiteSettings())


@pytest.mark.parametrize("language", ["es", "fr"])
def test_every_text_is_translated_and_no_translation_is_left_over(language: str) -> None:
    used, known = words.of_modules() | words.of_templates(), words.catalog(language)
    assert used == known.keys()
    assert [text for text, told in known.items() if not all([told] if isinstance(told, str) else told)] == []


@pytest.mark.parametrize("language", ["es", "fr"])
def test_a_translation_has_the_places_of_its_text(language: str) -> None:
    def places(text: words.Message) -> list[set[str]]:
        return [set(re.findall(r"\{\w+\}", one)) for one in ([text] if isinstance(text, str) else text)]

    assert {key for key, told in words.catalog(language).items() if places(key) != places(told)} == set()


@pytest.mark.parametrize("name", PACKED_LIMITS)
def test_a_file_keeps_to_its_size(files: dict[str, bytes], name: str) -> None:
    assert next(packed(data) for path, data in files.items() if path.endswith(f"/{name}")) <= PACKED_LIMITS[name]


@pytest.mark.parametrize("site", FIRST_VIEW)
@pytest.mark.parametrize("language", ["es", "en", "fr"])
def test_the_first_view_keeps_to_its_size(files: dict[str, bytes], site: str, language: str) -> None:
    page = [f"{site}/{language}/index.html"]
    names = ("site.css", "theme.js", f"{site}.js", "logo.svg", f"words-{language}.json", "html.js", "purify.js")
    paths = page + [path for path in files if path.startswith("assets/") and path.rpartition("/")[2] in names]
    assert len(paths) + 2 <= COLD_REQUESTS  # catalog and articles
    assert sum(packed(files[path]) for path in paths) <= FIRST_VIEW[site]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(SiteSettings(), tmp_path / "a"), build(SiteSettings(), tmp_path / "b")
    assert first == second
    for path in first:
        assert (tmp_path / "a" / f"{path}.gz").read_bytes() == (tmp_path / "b" / f"{path}.gz").read_bytes()


def test_a_later_build_takes_the_earlier_one_away_and_leaves_data(tmp_path: Path) -> None:
    build(SiteSettings(), tmp_path)
    (tmp_path / "data" / "kb.json").write_text("kept")
    build(SiteSettings(name="Another"), tmp_path)
    build(SiteSettings(brand="#084638"), tmp_path)
    assert len(list((tmp_path / "assets").iterdir())) == 1
    assert (tmp_path / "data" / "kb.json").read_text() == "kept"


def test_a_name_with_markup_is_text_in_every_page(tmp_path: Path) -> None:
    page = contents(SiteSettings(name="</script><b>&"))["portal/en/index.html"].decode()
    assert "<b>" not in page
    settings = re.search(r'id="settings">(.*?)</script>', page)
    assert settings is not None
    assert json.loads(settings[1])["name"] == "</script><b>&"


def test_vendored_code_is_what_its_manifest_says() -> None:
    for one in json.loads((FRONTEND / "vendor" / "manifest.json").read_text()):
        digest = hashlib.sha256((FRONTEND / "vendor" / one["file"]).read_bytes()).digest()
        assert f"sha256-{base64.b64encode(digest).decode()}" == one["integrity"]
        assert "Apache License" in (FRONTEND / "vendor" / one["licence_file"]).read_text()


def test_no_module_turns_text_into_markup_or_code() -> None:
    bad = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b|cssText")
    found = {path.name for path in (FRONTEND / "js").rglob("*.js") if bad.search(path.read_text())}
    assert found == set()
    assert not [p for p in (FRONTEND / "templates").glob("*.j2") if re.search(r"\sstyle=|\son\w+=", p.read_text())]


TOKENS = re.findall(r"--([\w-]+):light-dark\((#\w+),(#\w+)\)", (FRONTEND / "css" / "site.css").read_text())
COLOURS = {
    scheme: {
        **{
            name: "#" + (c[1:] if len(c) == 7 else "".join(s * 2 for s in c[1:]))
            for name, *both in TOKENS
            for c in [both[at]]
        },
        "brand": ("#0c5c4c", "#5fcdb0")[at],
    }
    for at, scheme in enumerate(("light", "dark"))
}
TEXT_PAIRS = [
    *((ink, ground) for ink in ("ink", "muted", "link") for ground in ("paper", "surface", "sunken")),
    *((name, f"{name}-soft") for name in ("ok", "warn", "bad", "info")),
    ("on-brand", "brand"),
    ("strong", "brand-soft"),
    ("ink", "brand-soft"),
    ("muted", "brand-soft"),
    ("ink", "warn-soft"),
    ("muted", "warn-soft"),
    ("bad", "surface"),
    ("on-brand", "strong"),
]
SIGN_PAIRS = [(name, "surface") for name in ("control", "s1", "s2", "s3", "s5", "brand", "ok")]


@pytest.mark.parametrize("scheme", COLOURS)
def test_colours_can_be_told_apart(scheme: str) -> None:
    known = COLOURS[scheme]
    weak = {pair: contrast(known[pair[0]], known[pair[1]]) for pair in TEXT_PAIRS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    assert {pair for pair in SIGN_PAIRS if contrast(known[pair[0]], known[pair[1]]) < 3} == set()


def test_the_example_is_fine() -> None:
    assert load(ROOT / "config" / "site.yml").name == "Help desk"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('brand: "#ffcc00"', "contrast"),
        ("brand: green", "not a colour"),
        ("languages: [de]", "languages"),
        ("nam: x", "name"),
        ("idle_minutes: 1", "idle_minutes"),
    ],
)
def test_a_fault_of_the_settings_is_told_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "site.yml"
    file.write_text(f"contact: x\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert "site.yml:2" in str(caught.value)
    assert said in str(caught.value)


def test_the_command_writes_the_sites(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["site", "build", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "portal" / "es" / "index.html").exists()


def test_reading_data_needs_to_be_told_from_where(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["site", "data", "--out", str(tmp_path)])
    assert done.exit_code == 1
    assert "reader" in done.output
