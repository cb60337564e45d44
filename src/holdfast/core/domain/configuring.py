"""Settings one by one: what each is for, what holds, and where that comes from."""

from __future__ import annotations

from typing import Any, Literal

from holdfast.core.domain.errors import Diagnostic
from holdfast.core.domain.values import Value

_Plain = bool | int | float | str
SettingValue = _Plain | tuple[str | int | float, ...] | tuple[dict[str, Any], ...] | dict[str, str] | None
"""What a setting can be; None: it is left out."""
SettingKind = Literal["boolean", "integer", "number", "text", "choice", "list", "mapping"]
SettingSource = Literal["default", "user", "project", "environment"]


class Setting(Value):
    """One setting."""

    key: str
    """With its section: `tui.key_guard_s`."""
    about: str
    """What it does."""
    kind: SettingKind
    expected: str
    """What it takes, in words: `a number, 0 to 5`."""
    choices: tuple[str, ...] = ()
    """The words that it takes, where these are all."""
    optional: bool = False
    """Whether it can be left without a value."""
    value: SettingValue
    """What holds."""
    default: SettingValue
    source: SettingSource
    """What says so."""
    place: str = ""
    """The file, or the variable of the environment, that says so; empty for a default."""

    @property
    def section(self) -> str:
        """The section; empty for a setting that stands in none."""
        return self.key.rpartition(".")[0]


class SettingsSection(Value):
    """A part of the settings."""

    name: str
    """Empty for the settings that stand in none."""
    about: str


class SettingsReport(Value):
    """All settings."""

    file: str
    """The user's own file; it need not exist."""
    sections: tuple[SettingsSection, ...]
    settings: tuple[Setting, ...]
    """In the order of the sections."""
    problems: tuple[Diagnostic, ...] = ()
    """What is wrong with the files; while the user's own has a mistake, nothing of it holds."""

    def get(self, key: str) -> Setting | None:
        """Returns the setting of a key, if there is one."""
        return next((one for one in self.settings if one.key == key), None)
