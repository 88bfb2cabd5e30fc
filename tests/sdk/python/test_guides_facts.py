"""What the guides tell of settings, credentials and error codes is what the program has."""

import re
import tomllib

from servers import ROOT

TABLE_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


def rows(guide: str) -> list[str]:
    """First cells of the tables of a guide, where they are code."""
    return TABLE_ROW.findall((ROOT / "docs" / guide).read_text())


def test_settings_exist():
    example = (ROOT / "pictor.example.toml").read_text()
    named = {f"PICTOR_{name.upper()}" for name in re.findall(r"^#(\w+) = ", example, re.MULTILINE)}
    # A table of the file is set as a whole by its own name.
    named |= {f"PICTOR_{name.upper()}" for name in re.findall(r"^#\[(\w+)\]", example, re.MULTILINE)}
    # What the log shows is no setting of the file.
    told = set(rows("settings.md")) - {"PICTOR_LOG", "PICTOR_LIMITS_..."}
    assert told <= named, told - named


def test_credentials_are_those_of_the_catalogue():
    files = [tomllib.loads(path.read_text()) for path in (ROOT / "catalog/providers").glob("*.toml")]
    wanted = {it["credential_variable"]: it.get("credential_fallbacks", []) for it in files if "credential_variable" in it}
    text = (ROOT / "docs/self-hosting.md").read_text()
    lines = {line.split("`")[1]: line for line in text.split("\n") if "| `PICTOR_" in line}
    assert set(lines) == set(wanted)
    for variable, fallbacks in wanted.items():
        assert all(f"`{fallback}`" in lines[variable] for fallback in fallbacks), variable


def test_error_codes_are_those_of_the_program():
    folder = ROOT / "crates/gateway/src"
    sources = [path.read_text().split("#[cfg(test)]")[0] for path in [folder / "problem.rs", *folder.glob("problem/*.rs")]]
    codes = {code for source in sources for code in re.findall(r'"([A-Z]+(?:_[A-Z]+)*)"', source)}
    told = {row for row in rows("errors.md") if row.isupper()}
    assert told == codes, told ^ codes
