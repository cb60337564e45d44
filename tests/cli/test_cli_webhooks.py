"""`holdfast webhooks`: what is asked of the services, what is printed, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cli_fakes import FakeDoors, FakeWorkbench, session_of

from holdfast.core.domain.values import Page, utc_now
from holdfast.core.domain.webhooks import Delivery, DeliveryStatus, NewWebhook, Webhook

Cli = Callable[..., Any]
NOW = utc_now()
SECRET = "hfw_0123456789"


def webhook_of(id: str, **more: Any) -> Webhook:
    fields: dict[str, Any] = {"owner": "local", "url": f"https://{id}.test/", "created_at": NOW, **more}
    return Webhook(id=id, **fields)


def delivery_of(id: str, **more: Any) -> Delivery:
    fields: dict[str, Any] = {
        "webhook_id": "aaaaaaaa-1",
        "event_id": 7,
        "type": "run.completed",
        "status": DeliveryStatus.DELIVERED,
        "attempts": 1,
        "created_at": NOW,
        "attempted_at": NOW,
        "response_status": 200,
        "duration_ms": 12.4,
        **more,
    }
    return Delivery(id=id, **fields)


class FakeWebhooks:
    """Keeps the calls, and answers from what the test has put there."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.rows = [
            webhook_of("aaaaaaaa-1", name="ci", events=("run.*", "session.*"), succeeded_at=NOW),
            webhook_of("aaaaaaaa-2", enabled=False, reason="The receiver answered 410: it is gone for good."),
            webhook_of("bbbbbbbb-3", failing_since=NOW - timedelta(hours=2, minutes=1), failures=9),
        ]
        self.log = (
            delivery_of("11111111-a", status=DeliveryStatus.PENDING, attempts=3, error="no \x1b[31manswer"),
            delivery_of("22222222-b"),
        )
        self.tested = delivery_of("33333333-c", type="webhook.test", event_id=None, response="thanks")

    async def list(self) -> tuple[Webhook, ...]:
        return tuple(self.rows)

    async def add(self, url: str, events: Any = (), session_id: Any = None, name: str = "") -> NewWebhook:
        self.calls.append(("add", url, events, session_id, name))
        made = webhook_of("cccccccc-4", url=url, events=events, session_id=session_id, name=name)
        return NewWebhook(webhook=made, secret=SECRET)

    async def update(self, id: str, enabled: Any, events: Any, url: Any, name: Any) -> Webhook:
        self.calls.append(("update", id, enabled, events, url, name))
        return webhook_of(id, enabled=bool(enabled))

    async def remove(self, id: str) -> None:
        self.calls.append(("remove", id))

    async def test(self, id: str) -> Delivery:
        self.calls.append(("test", id))
        return self.tested

    async def deliveries(self, id: str, limit: int = 50, cursor: Any = None) -> Page[Delivery]:
        self.calls.append(("deliveries", id, limit))
        return Page[Delivery](items=self.log)

    async def redeliver(self, delivery_id: str) -> Delivery:
        self.calls.append(("redeliver", delivery_id))
        return self.tested


@pytest.fixture
def webhooks(fake: FakeDoors) -> FakeWebhooks:
    workbench = FakeWorkbench()
    found = workbench.webhooks = FakeWebhooks()  # type: ignore[attr-defined]
    workbench.known = {"ssssssss-1": session_of("ssssssss-1")}
    fake.build = lambda: workbench
    return found


def test_a_webhook_is_added_and_its_secret_printed_once(cli: Cli, webhooks: FakeWebhooks) -> None:
    url = "https://ci.example.org/hook"
    done = cli("webhooks", "add", url, "--event", "run.*", "--event", "file.changed", "--name", "ci")
    assert webhooks.calls == [("add", url, ("run.*", "file.changed"), None, "ci")]
    assert done.status == 0
    assert f"secret  {SECRET}" in done.out
    assert "events  run.*, file.changed" in done.out
    assert "not shown again" in done.err
    as_json = json.loads(cli("webhooks", "add", url, "--session", "ssss", "--json").out)
    assert (as_json["secret"], as_json["webhook"]["session_id"]) == (SECRET, "ssssssss-1")
    assert SECRET not in cli("webhooks", "list").out


def test_the_list_says_what_each_gets_and_how_it_goes(cli: Cli, webhooks: FakeWebhooks) -> None:
    lines = cli("webhooks", "list").out.splitlines()
    assert lines[0].split() == ["ID", "NAME", "URL", "EVENTS", "STATE", "DELIVERED"]
    assert "run.*, session.*" in lines[1]
    assert "enabled" in lines[1]
    assert "disabled: The receiver answered 410: it is gone for good." in lines[2]
    assert "failing since 2h  " in lines[3]
    assert lines[3].endswith("never")
    webhooks.rows.clear()
    assert "holdfast webhooks add URL" in cli("webhooks", "list").out


def test_what_is_not_there_says_where_to_look(cli: Cli, webhooks: FakeWebhooks) -> None:
    missing = cli("webhooks", "redeliver", "last", "nope")
    assert (missing.status, "`holdfast webhooks show WEBHOOK`" in missing.err) == (1, True)
    assert "`holdfast webhooks list`" in cli("webhooks", "show", "nope").err
    webhooks.rows.clear()
    assert "there is no webhook yet" in cli("webhooks", "test", "last").err


def test_a_webhook_is_shown_with_its_deliveries(cli: Cli, webhooks: FakeWebhooks) -> None:
    done = cli("webhooks", "show", "aaaaaaaa-1", "-n", "5")
    assert webhooks.calls == [("deliveries", "aaaaaaaa-1", 5)]
    assert "pending" in done.out
    assert "no [31manswer" in done.out
    assert "\x1b" not in done.out
    as_json = json.loads(cli("webhooks", "show", "bbbb", "--json").out)
    assert as_json["webhook"]["id"] == "bbbbbbbb-3"
    assert [each["id"] for each in as_json["deliveries"]] == ["11111111-a", "22222222-b"]


def test_a_test_that_fails_ends_with_status_1(cli: Cli, webhooks: FakeWebhooks) -> None:
    taken = cli("webhooks", "test", "last")
    assert (taken.status, taken.out) == (0, "delivered: 200 (12 ms)\nthanks\n")
    assert webhooks.calls == [("test", "bbbbbbbb-3")]
    webhooks.tested = delivery_of(
        "x", status=DeliveryStatus.FAILED, response_status=500, error="The receiver answered 500."
    )
    failed = cli("webhooks", "test", "bbbb")
    assert (failed.status, failed.out) == (1, "failed: The receiver answered 500. (12 ms)\n")
    assert cli("webhooks", "test", "bbbb", "--json").status == 1


def test_a_delivery_is_sent_again(cli: Cli, webhooks: FakeWebhooks) -> None:
    assert cli("webhooks", "redeliver", "aaaaaaaa-1", "2222").status == 0
    assert webhooks.calls[-1] == ("redeliver", "22222222-b")


def test_only_what_is_said_is_changed(cli: Cli, webhooks: FakeWebhooks) -> None:
    assert "enabled" in cli("webhooks", "update", "aaaaaaaa-2", "--enable").out
    cli("webhooks", "update", "bbbb", "--disable", "--event", "run.*", "--url", "https://x.test/")
    assert webhooks.calls == [
        ("update", "aaaaaaaa-2", True, None, None, None),
        ("update", "bbbbbbbb-3", False, ("run.*",), "https://x.test/", None),
    ]


def test_a_webhook_is_removed_by_the_start_of_its_id(cli: Cli, webhooks: FakeWebhooks) -> None:
    done = cli("webhooks", "remove", "bbbb")
    assert (done.out, webhooks.calls) == (
        "removed the webhook https://bbbbbbbb-3.test/\n",
        [("remove", "bbbbbbbb-3")],
    )
    ambiguous = cli("webhooks", "remove", "aaaa")
    assert (ambiguous.status, "write more of it" in ambiguous.err) == (2, True)
    assert "holdfast webhooks list" in cli("webhooks", "remove", "zzz").err
    assert len(webhooks.calls) == 1
