"""Secrets that are no provider's keys: kept in the same places, redacted as well, listed nowhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ForbiddenError, UnavailableError
from holdfast.core.identity.keys import ProviderKeys
from holdfast.core.services.checks import check_home

SECRET = "hfw_canary-0123456789"


class Ring:
    def __init__(self, *, answers: bool = True) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.answers = answers
        self.asked = 0

    def _answer(self) -> None:
        self.asked += 1
        if not self.answers:
            raise UnavailableError("the keyring does not answer", code="keyring_unavailable")

    def get(self, service: str, name: str) -> str | None:
        self._answer()
        return self.kept.get((service, name))

    def set(self, service: str, name: str, secret: str) -> None:
        self._answer()
        self.kept[service, name] = secret

    def delete(self, service: str, name: str) -> None:
        self._answer()
        self.kept.pop((service, name), None)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})
    found.make()
    return found


def test_a_secret_is_in_a_private_file_of_its_own(paths: Paths) -> None:
    keys = ProviderKeys(paths, {}, {})
    assert keys.webhooks.set("one", SECRET) == "file"
    assert stat.S_IMODE(paths.webhook_secrets.stat().st_mode) == 0o600
    assert not paths.keys.exists()
    assert ProviderKeys(paths, {}, {}).webhooks.get("one") == SECRET


def test_it_is_no_key_of_a_provider(paths: Paths) -> None:
    for ring in (None, Ring()):
        keys = ProviderKeys(paths, {}, {"openai": ("OPENAI_API_KEY",)}, ring)
        keys.webhooks.set("openai", SECRET)
        assert keys.sources() == {}
        assert keys.get("openai") is None


def test_it_is_redacted_from_the_start_and_after_it_was_removed(paths: Paths) -> None:
    ProviderKeys(paths, {}, {}).webhooks.set("one", SECRET)
    keys = ProviderKeys(paths, {}, {})
    assert keys.secrets() == {SECRET}
    keys.webhooks.remove("one")
    assert (keys.webhooks.get("one"), keys.secrets()) == (None, {SECRET})


def test_one_of_the_keyring_is_redacted_once_it_was_read(paths: Paths) -> None:
    ring = Ring()
    ProviderKeys(paths, {}, {}, ring).webhooks.set("one", SECRET)
    keys = ProviderKeys(paths, {}, {}, ring)
    assert keys.webhooks.get("one") == SECRET
    assert keys.secrets() == {SECRET}
    assert not paths.webhook_secrets.exists()


def test_a_keyring_that_does_not_answer_is_asked_once_for_all_kinds(paths: Paths) -> None:
    ring = Ring(answers=False)
    keys = ProviderKeys(paths, {}, {}, ring)
    assert keys.webhooks.set("one", SECRET) == "file"
    assert keys.set("openai", "sk-0123456789") == "file"
    assert keys.webhooks.get("one") == SECRET
    assert ring.asked == 1


def test_a_file_that_others_can_read_is_refused_and_repaired(paths: Paths) -> None:
    keys = ProviderKeys(paths, {}, {})
    keys.webhooks.set("one", SECRET)
    paths.webhook_secrets.chmod(0o644)
    with pytest.raises(ForbiddenError, match="chmod 600"):
        keys.webhooks.get("one")
    states = {each.name: each.state for each in check_home(paths, repair=True)}
    assert states["webhooks.yaml"] == "repaired"
    assert keys.webhooks.get("one") == SECRET
