import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.core.sandbox.environment import child_environment

CANARY = "canary-7d2c41"
EVERYDAY = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "LANG": "de_CH.UTF-8",
    "LC_ALL": "C",
    "TERM": "xterm",
    "TZ": "Europe/Zurich",
    "TMPDIR": "/tmp",
    "USER": "me",
    "LOGNAME": "me",
    "SHELL": "/bin/sh",
    "VIRTUAL_ENV": "/home/me/venv",
}


def test_what_programs_need_is_kept() -> None:
    assert EVERYDAY.items() <= child_environment(EVERYDAY).items()


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "GH_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "DATABASE_URL",
        "HOLDFAST_HOME",
        "foo",
        "SSH_AUTH_SOCK",
        "LC_API_KEY",
        "LC_token",
        "HTTP_PROXY",
        "LD_PRELOAD",
        "PYTHONSTARTUP",
        "BASH_ENV",
    ],
)
def test_a_canary_under_any_other_name_is_not_passed_on(name: str) -> None:
    assert CANARY not in str(child_environment({**EVERYDAY, name: CANARY}))


@pytest.mark.parametrize(
    "value",
    ["sk-proj-abcdefghijkl1234", "https://me:pw@host/", "-----BEGIN PRIVATE KEY-----", "ghp_abcdefghijkl12"],
)
def test_a_secret_under_an_allowed_name_is_not_passed_on(value: str) -> None:
    assert value not in child_environment({"LANG": value, "LC_ALL": value}).values()


SECRET_WORDS = st.sampled_from(["KEY", "Token", "secret", "PASSWORD", "passwd", "CREDENTIALS", "auth"])
STARTS = st.sampled_from(["LC_", "PATH", "XDG_", ""]) | st.text(max_size=8)


@given(name=st.builds("".join, st.tuples(STARTS, SECRET_WORDS, st.text(max_size=5))))
def test_no_name_that_speaks_of_secrets_passes(name: str) -> None:
    assert CANARY not in child_environment({name: CANARY}).values()
