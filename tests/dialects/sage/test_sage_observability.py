"""The way to Jaeger: for administrators, and to nowhere else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

BASE = "/sage/api/observability"
SETTINGS = {"telemetry": {"jaeger_url": "https://traces.example.org/jaeger"}}
NOBODY = {"Authorization": "Bearer hf_nobody"}


@pytest.mark.covers("sage.jaeger_login", "sage.jaeger_auth")
async def test_administrators_are_led_to_traces_and_others_are_not(serve_users: Any) -> None:
    async with serve_users(more_settings=SETTINGS) as served:
        http, ann = served.http, await served.user("ann")
        login = f"{BASE}/jaeger/login"
        there = await http.get(login, params={"next": "/sage/api/observability/jaeger/search?a=b"})
        assert (there.status_code, there.headers["location"]) == (302, f"{BASE}/jaeger/search?a=b")
        assert (await http.get(login)).headers["location"] == f"{BASE}/jaeger"
        refused = await http.get(login, headers=ann)
        assert (refused.status_code, refused.json()["message"]) == (403, "权限不足")
        nobody = await http.get(login, params={"next": "/x"}, headers=NOBODY)
        assert nobody.headers["location"] == "/sage/login?next=%2Fx&local_only=1"
        for away in (
            "https://evil.example.org",
            "//evil.example.org",
            "/\\evil.example.org",
            "/\t/e.org",
            "x",
        ):
            assert (await http.get(login, params={"next": away})).headers["location"] == f"{BASE}/jaeger"
            page = await http.get(login, params={"next": away}, headers=NOBODY)
            asked = parse_qs(urlsplit(page.headers["location"]).query)
            assert asked["next"] == [f"{BASE}/jaeger"]
        auth = f"{BASE}/jaeger/auth"
        admin = await http.get(auth)
        assert admin.status_code == 204 and admin.headers["x-sage-role"] == "admin"
        for headers, status in ((ann, 403), (NOBODY, 401)):
            answer = await http.get(auth, headers=headers)
            assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.covers(
    "sage.jaeger",
    "sage.jaeger_path_get",
    "sage.jaeger_path_post",
    "sage.jaeger_path_put",
    "sage.jaeger_path_patch",
    "sage.jaeger_path_delete",
    "sage.metrics",
)
async def test_requests_are_sent_on_to_jaeger_and_to_nowhere_else(serve_users: Any) -> None:
    async with serve_users(more_settings=SETTINGS) as served:
        http, home = served.http, "https://traces.example.org/jaeger"
        root = await http.get(f"{BASE}/jaeger", headers=NOBODY)
        assert (root.status_code, root.headers["location"]) == (307, f"{home}/")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            sent = await http.request(method, f"{BASE}/jaeger/api/traces?limit=5&a=%20b")
            assert (sent.status_code, sent.headers["location"]) == (307, f"{home}/api/traces?limit=5&a=%20b")
            deep = await http.request(method, f"{BASE}/jaeger/api/traces", headers=NOBODY)
            assert deep.status_code == 401
        for path in ("%2E%2E/admin", "..%2F..%2Fadmin", "%0d%0aX-Evil: 1", "/evil.example.org"):
            answer = await http.get(f"{BASE}/jaeger/{path}")
            led = answer.headers.get("location", f"{home}/")
            assert answer.status_code == 307 or answer.status_code >= 400
            assert led.startswith(f"{home}/") and ".." not in led and "\n" not in led
        figures = await http.get(f"{BASE}/metrics", headers=NOBODY)
        assert (figures.status_code, figures.headers["location"]) == (307, "/holdfast/v1/metrics")
        for headers, status in ((NOBODY, 401), (await served.user("ann"), 403), ({}, 200)):
            assert (await http.get(figures.headers["location"], headers=headers)).status_code == status
