"""Provider keys: where they come from, where they go, who can read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from holdfast.core.config.paths import Paths
from holdfast.core.domain.errors import ForbiddenError, HoldfastError, InvalidError, UnavailableError
from holdfast.core.identity.keyrings import Keyring
from holdfast.core.identity.keys import ProviderKeys, secret_values

VARIABLES = {
    "openai": ("OPENAI_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "groq": ("GROQ_API_KEY",),
}
CANARY = "sk-canary-0123456789"


class FakeKeyring:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.answers = True
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
    return Paths.resolve({"HOLDFAST_HOME": str(tmp_path)})


def keys(paths: Paths, environ: dict[str, str] | None = None, keyring: Keyring | None = None) -> ProviderKeys:
    return ProviderKeys(paths, environ or {}, VARIABLES, keyring)


def test_the_environment_wins_over_the_keyring_and_the_keyring_over_the_file(paths: Paths) -> None:
    ring = FakeKeyring()
    keys(paths).set("openai", "key-of-the-file")
    assert keys(paths, {}, ring).get("openai") == "key-of-the-file"
    ring.set(f"holdfast {paths.config}", "openai", "key-of-the-ring")
    assert keys(paths, {}, ring).get("openai") == "key-of-the-ring"
    environ = {"OPENAI_API_KEY": " key-of-the-environment\n"}
    assert keys(paths, environ, ring).get("openai") == "key-of-the-environment"


def test_an_empty_variable_counts_as_none(paths: Paths) -> None:
    assert keys(paths, {"OPENAI_API_KEY": " "}).get("openai") is None
    assert keys(paths, {"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "second"}).get("gemini") == "second"


def test_the_sources_of_all_keys_are_told_and_never_the_keys(paths: Paths) -> None:
    ring = FakeKeyring()
    keys(paths).set("private", "key-of-the-file")
    mine = keys(paths, {"GROQ_API_KEY": "gsk"}, ring)
    assert mine.set("openai", "key-of-the-ring") == "keyring"
    assert mine.sources() == {"groq": "environment", "openai": "keyring", "private": "file"}


def test_with_a_keyring_no_file_is_written_and_an_old_entry_goes(paths: Paths) -> None:
    keys(paths).set("openai", "old-key-in-the-file")
    mine = keys(paths, {}, FakeKeyring())
    assert mine.set("openai", CANARY) == "keyring"
    assert mine.get("openai") == CANARY
    assert "old-key" not in paths.keys.read_text()


def test_homes_have_keys_of_their_own_in_one_keyring(paths: Paths, tmp_path: Path) -> None:
    ring = FakeKeyring()
    keys(paths, {}, ring).set("openai", CANARY)
    other = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "other")})
    assert keys(other, {}, ring).get("openai") is None


def test_a_keyring_that_does_not_answer_is_replaced_by_the_file_and_asked_once(paths: Paths) -> None:
    ring = FakeKeyring()
    ring.answers = False
    mine = keys(paths, {}, ring)
    assert mine.set("openai", CANARY) == "file"
    assert mine.get("openai") == CANARY
    assert mine.sources() == {"openai": "file"}
    assert ring.asked == 1


def test_a_key_is_removed_from_everywhere_but_the_environment(paths: Paths) -> None:
    keys(paths).set("openai", CANARY)
    ring = FakeKeyring()
    mine = keys(paths, {"GROQ_API_KEY": "gsk"}, ring)
    ring.set(f"holdfast {paths.config}", "openai", CANARY)
    mine.remove("openai")
    mine.remove("groq")
    mine.remove("nobody")
    assert mine.sources() == {"groq": "environment"}
    assert CANARY not in paths.keys.read_text()


def test_a_keyring_is_looked_for_only_when_a_key_is_asked_for(paths: Paths) -> None:
    found: list[int] = []

    def find() -> Keyring | None:
        found.append(1)
        return None

    mine = ProviderKeys(paths, {"OPENAI_API_KEY": "key"}, VARIABLES, find)
    assert mine.get("openai") == "key"
    assert found == []
    mine.get("groq")
    mine.get("groq")
    assert found == [1]


class TestFile:
    def test_it_is_private_from_the_first_instant(self, paths: Paths) -> None:
        old = os.umask(0)
        try:
            keys(paths).set("openai", CANARY)
        finally:
            os.umask(old)
        assert stat.S_IMODE(paths.keys.stat().st_mode) == 0o600

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
    def test_it_is_refused_when_others_can_reach_it(self, paths: Paths, mode: int) -> None:
        keys(paths).set("openai", CANARY)
        paths.keys.chmod(mode)
        for act in (lambda: keys(paths).get("openai"), lambda: keys(paths).set("groq", CANARY)):
            with pytest.raises(ForbiddenError, match="chmod 600") as caught:
                act()
            assert CANARY not in str(caught.value)

    @pytest.mark.parametrize(
        "key", ['quote"and\\slash', "é-schlüssel", "a: b".replace(" ", ""), "#x", "'", "null", "123"]
    )
    def test_any_key_is_read_back(self, paths: Paths, key: str) -> None:
        keys(paths).set("openai", key)
        assert keys(paths).get("openai") == key

    @pytest.mark.parametrize(
        "text",
        [
            f"openai: [{CANARY}]\n",
            f"- {CANARY}\n",
            f"{CANARY}\n",
            f"openai: '{CANARY}\n",
            f"openai: {CANARY}: x\n",
            f"openai: {CANARY}\nopenai: {CANARY}\n",
            f"openai: *{CANARY}\n",
            f"openai: !{CANARY} x\n",
            "openai: 12345678901\n",
        ],
    )
    def test_a_mistake_in_it_is_told_without_the_key(self, paths: Paths, text: str) -> None:
        paths.make()
        paths.keys.write_text(text)
        paths.keys.chmod(0o600)
        with pytest.raises(InvalidError) as caught:
            keys(paths).get("openai")
        error: BaseException | None = caught.value
        assert isinstance(error, HoldfastError)
        told = f"{error} {error.details}"
        assert CANARY not in told
        assert "12345678901" not in told
        assert str(paths.keys) in told

    def test_many_keys_live_side_by_side(self, paths: Paths) -> None:
        mine = keys(paths)
        mine.set("openai", "key-one-1")
        mine.set("groq", "key-two-2")
        mine.set("openai", "key-three-3")
        assert (mine.get("openai"), mine.get("groq")) == ("key-three-3", "key-two-2")


@pytest.mark.parametrize("key", ["x" * 8_193, "", "  ", "two words", "line\nbreak", "bell\x07", "tab\tbed"])
def test_what_can_be_no_key_is_refused_without_repeating_it(paths: Paths, key: str) -> None:
    with pytest.raises(InvalidError) as caught:
        keys(paths).set("openai", key)
    assert not key.strip() or key not in str(caught.value)
    assert not paths.keys.exists()


@pytest.mark.parametrize("provider", ["", "Open AI", "a: b", "../x", "a\nb", "-x", "x" * 65])
def test_what_can_be_no_provider_is_refused(paths: Paths, provider: str) -> None:
    with pytest.raises(InvalidError):
        keys(paths).set(provider, CANARY)


class TestSecrets:
    def test_every_key_is_known_before_anybody_asked_for_it(self, paths: Paths) -> None:
        ring = FakeKeyring()
        keys(paths).set("groq", "key-of-the-file")
        ring.set(f"holdfast {paths.config}", "openai", "key-of-the-ring")
        environ = {"GEMINI_API_KEY": "key-of-the-environment", "GITHUB_TOKEN": "ghp_0123456789"}
        assert keys(paths, environ, ring).secrets() == {
            "key-of-the-file",
            "key-of-the-ring",
            "key-of-the-environment",
            "ghp_0123456789",
        }

    def test_a_new_key_is_known_and_a_removed_one_stays_known(self, paths: Paths) -> None:
        mine = keys(paths)
        assert mine.secrets() == frozenset()
        mine.set("openai", CANARY)
        mine.remove("openai")
        assert mine.secrets() == {CANARY}

    def test_the_keys_of_a_file_that_is_refused_are_known_too(self, paths: Paths) -> None:
        keys(paths).set("openai", CANARY)
        paths.keys.chmod(0o644)
        assert keys(paths).secrets() == {CANARY}

    def test_a_broken_file_is_told_to_the_log_and_stops_nothing(
        self, paths: Paths, caplog: pytest.LogCaptureFixture
    ) -> None:
        paths.make()
        paths.keys.write_text(f"openai: '{CANARY}\n")
        assert keys(paths, {"GROQ_API_KEY": "gsk-0123"}).secrets() == {"gsk-0123"}
        assert str(paths.keys) in caplog.text
        assert CANARY not in caplog.text

    def test_variables_that_are_named_like_secrets_are_secrets(self) -> None:
        environ = {
            "MY_API_KEY": "one",
            "AWS_SECRET_ACCESS_KEY": "two",
            "db_password": "three",
            "NPM_TOKEN": "four",
            "KEYBOARD": "no",
            "TOKEN_TYPE": "no",
            "SSH_PRIVATE_KEY": "/home/me/.ssh/id",
            "PATH": "no",
        }
        assert secret_values(environ) == {"one", "two", "three", "four"}

    def test_keys_in_the_headers_of_traces_are_secrets_as_they_stand_and_as_they_are_sent(self) -> None:
        headers = "x-tenant=production,Authorization=Bearer%20abc%2F123, x-api-key=def"
        environ = {"OTEL_EXPORTER_OTLP_HEADERS": headers, "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "token=ghi"}
        assert secret_values(environ) == {
            *("Bearer%20abc%2F123", "Bearer abc/123", "abc/123"),
            *("def", "ghi"),
        }
