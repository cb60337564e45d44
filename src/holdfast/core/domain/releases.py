"""Releases of a program that people install: what is told to its updater, and to who downloads it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from holdfast.core.domain.values import Value

Version = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
WebUrl = Annotated[str, Field(max_length=2_000, pattern=r"^(https?://[^\s<>\"'\\]+)?$")]

MANIFEST = "latest.json"
"""What a release on GitHub may have: the updater's own table of platforms."""
MOST_ARTIFACTS = 50
_SUFFIXES = (
    ("darwin", (".dmg", ".pkg", ".app.tar.gz")),
    ("windows", (".msi", ".exe", ".nsis.zip", ".msi.zip")),
    ("linux", (".appimage", ".deb", ".rpm", ".appimage.tar.gz")),
)
_UPDATERS = (".app.tar.gz", ".nsis.zip", ".msi.zip", ".appimage.tar.gz")
"""What an updater takes, and a person does not install."""
_ARM = re.compile(r"aarch64|arm64", re.IGNORECASE)
_SIGNATURE = ".sig"


class Artifact(Value):
    """What a release is on one platform."""

    platform: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """As `darwin-aarch64` or `windows-x86_64`."""
    installer_url: WebUrl = ""
    """For people."""
    updater_url: WebUrl = ""
    """For the updater; empty: it is told of none."""
    updater_signature: str = Field(default="", max_length=10_000)


class NewRelease(Value):
    version: Version
    notes: str = Field(default="", max_length=100_000)
    artifacts: tuple[Artifact, ...] = Field(default=(), max_length=MOST_ARTIFACTS)


class Release(NewRelease):
    published_at: AwareDatetime


def of_github(
    found: Mapping[str, Any], manifest: Mapping[str, Any], signatures: Mapping[str, str]
) -> NewRelease:
    """Returns the release that GitHub's answer describes. `manifest` is its `latest.json`, empty where there
    is none; `signatures` are the contents of its `.sig` files, by the name of what is signed.

    Raises `ValidationError` for what is no release.
    """
    tag = str(found.get("tag_name") or "")
    by_platform: dict[str, dict[str, str]] = {}
    for name, url in assets(found):
        platform = platform_of(name)
        if platform is None:
            continue
        entry = by_platform.setdefault(platform, {})
        if name.lower().endswith(_UPDATERS):
            entry |= {"updater_url": url, "updater_signature": signatures.get(name, "")}
        else:
            entry.setdefault("installer_url", url)
    for platform, said in _told(manifest):
        by_platform.setdefault(platform, {}).update(said)
    artifacts = [{"platform": name, **said} for name, said in sorted(by_platform.items())]
    version = re.sub(r"^v(?=\d)", "", tag)
    notes = str(found.get("body") or "")[:100_000]
    return NewRelease.model_validate({"version": version, "notes": notes, "artifacts": artifacts})


def assets(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the names and addresses of the files of GitHub's answer."""
    rows = found.get("assets")
    return [
        (str(row.get("name") or ""), str(row.get("browser_download_url") or ""))
        for row in (rows if isinstance(rows, list) else [])[: 4 * MOST_ARTIFACTS]
        if isinstance(row, dict)
    ]


def signed(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Returns the addresses of the signatures of what updaters take, by the name of what they sign."""
    found = ((name.removesuffix(_SIGNATURE), url) for name, url in names if name.endswith(_SIGNATURE))
    return {name: url for name, url in found if name.lower().endswith(_UPDATERS)}


def platform_of(name: str) -> str | None:
    """Returns the platform of a file by its name, or None."""
    lower = name.lower()
    system = next((system for system, ends in _SUFFIXES if lower.endswith(ends)), None)
    if system is None:
        return None
    return f"{system}-{'aarch64' if _ARM.search(lower) else 'x86_64'}"


def _told(manifest: Mapping[str, Any]) -> Iterable[tuple[str, dict[str, str]]]:
    platforms = manifest.get("platforms")
    for platform, said in (platforms if isinstance(platforms, dict) else {}).items():
        if isinstance(said, dict) and isinstance(said.get("url"), str):
            signature = said.get("signature")
            yield (
                str(platform),
                {
                    "updater_url": said["url"],
                    "updater_signature": signature if isinstance(signature, str) else "",
                },
            )
