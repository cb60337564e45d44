"""A PostgreSQL server of the tests' own, where its programs are installed, with a role for an agent in it."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `tests.e2e` is shared by areas

from tests.e2e.presence import postgres_program

READY_S = 60.0
SCHEMA = """
CREATE TABLE sale (id serial PRIMARY KEY, town text, total numeric, sold date DEFAULT '2026-11-22');
INSERT INTO sale (town, total) VALUES ('Hull', 12.50), ('York', 30), ('York', NULL);
CREATE TABLE staff (name text); INSERT INTO staff VALUES ('the secret');
CREATE SCHEMA other; CREATE TABLE other.stock (item text, tags text[]);
INSERT INTO other.stock VALUES ('rope', '{long,wet}');
CREATE ROLE reader LOGIN PASSWORD 'reader-word';
GRANT SELECT ON sale TO reader;
CREATE ROLE writer LOGIN PASSWORD 'writer-word';
GRANT SELECT, INSERT, UPDATE, DELETE ON sale TO writer; GRANT USAGE ON SEQUENCE sale_id_seq TO writer;
CREATE ROLE wide LOGIN PASSWORD 'wide-word';
GRANT USAGE ON SCHEMA other TO wide; GRANT SELECT ON sale, staff, other.stock TO wide;
"""


@dataclass(frozen=True)
class Server:
    """Where the server is, and how to reach a database of it."""

    port: int
    password: str
    database: str = "postgres"

    def url(self, role: str) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{self.database}"

    def admin(self) -> Any:
        """A connection that may do everything."""
        return psycopg.connect(self.url("postgres"), password=self.password, autocommit=True)

    def value(self, query: str) -> Any:
        with self.admin() as connection:
            row = connection.execute(query).fetchone()
        return row[0] if row else None


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    initdb, postgres = postgres_program("initdb"), postgres_program("postgres")
    # PostgreSQL refuses to be run by root.
    user: dict[str, Any] = {"user": "nobody"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="holdfast-pg-"))
    word = secrets.token_hex(16)
    (folder / "word").write_text(word)
    if user:
        for path in (folder, folder / "word"):
            shutil.chown(path, "nobody")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = folder / "data"
    made = (initdb, "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", folder / "word", "-N")
    options = {"cwd": folder, "env": {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, **user}
    subprocess.run(made, check=True, capture_output=True, **options)
    settings = (f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
    command = (postgres, "-D", data, *(word for each in settings for word in ("-c", each)))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        server = Server(port, word)
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(READY_S)
        shutil.rmtree(folder)


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            server.admin().close()
        except psycopg.OperationalError:
            assert process.poll() is None and time.monotonic() < until, "PostgreSQL did not start"
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """A server with the tables and roles of `SCHEMA` in a database that only this test has."""
    name = f"t{secrets.token_hex(6)}"
    with _server.admin() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = Server(_server.port, _server.password, name)
    try:
        with made.admin() as connection:
            connection.execute(SCHEMA)
        yield made
    finally:
        with _server.admin() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            for role in ("reader", "writer", "wide"):
                connection.execute(f"DROP ROLE IF EXISTS {role}")
