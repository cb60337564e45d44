"""The database's shape, as forward-only steps.

`PRAGMA user_version` counts the steps taken. A step is never changed once released: add another one.
Beside `events` there are index tables, which can be rebuilt from it (`index.rebuild`), and a few tables of
their own: users, credentials, usage and what else is no part of a session.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from holdfast.core.domain.errors import StoreError, StoreTooNew
from holdfast.core.store.first_steps import FIRST_STEPS
from holdfast.core.store.run_log_step import RUN_LOG_STEP

STEPS: tuple[tuple[str, str], ...] = (
    *FIRST_STEPS,
    (
        "memory",
        """
        CREATE TABLE memory_blocks (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            content TEXT NOT NULL,
            instructions TEXT NOT NULL,
            injection TEXT NOT NULL,
            access TEXT NOT NULL,
            max_chars INTEGER NOT NULL,
            public INTEGER NOT NULL,
            public_edit INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            UNIQUE (owner, name)
        );
        CREATE INDEX memory_blocks_public ON memory_blocks (name) WHERE public = 1;

        CREATE TABLE memory_shares (
            block_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            can_edit INTEGER NOT NULL,
            PRIMARY KEY (block_id, user_id)
        ) WITHOUT ROWID;
        CREATE INDEX memory_shares_by_user ON memory_shares (user_id);

        CREATE TABLE memory_defaults (
            owner TEXT NOT NULL,
            scope TEXT NOT NULL,
            block_id TEXT NOT NULL,
            PRIMARY KEY (owner, scope)
        ) WITHOUT ROWID;

        CREATE TABLE memory_entries (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            digest TEXT NOT NULL,                  -- SHA-256 of the content
            content TEXT NOT NULL,
            tags TEXT NOT NULL,                    -- JSON
            source TEXT NOT NULL,
            pinned INTEGER NOT NULL,
            session_id TEXT,
            agent TEXT,
            metadata TEXT NOT NULL,                -- JSON
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL
        );
        CREATE INDEX memory_entries_by_owner ON memory_entries (owner, updated_at, number);
        CREATE INDEX memory_entries_by_content ON memory_entries (owner, digest);
        CREATE INDEX memory_entries_pinned ON memory_entries (owner) WHERE pinned = 1;

        CREATE VIRTUAL TABLE memory_search USING fts5 (
            content, tags, tokenize = 'porter unicode61 remove_diacritics 2'
        );
        CREATE TRIGGER memory_entries_added AFTER INSERT ON memory_entries BEGIN
            INSERT INTO memory_search (rowid, content, tags) VALUES (new.number, new.content, new.tags);
        END;
        CREATE TRIGGER memory_entries_changed AFTER UPDATE OF content, tags ON memory_entries BEGIN
            UPDATE memory_search SET content = new.content, tags = new.tags WHERE rowid = new.number;
        END;
        CREATE TRIGGER memory_entries_removed AFTER DELETE ON memory_entries BEGIN
            DELETE FROM memory_search WHERE rowid = old.number;
        END;
        """,
    ),
    (
        "marks_of_sessions_and_the_trash",
        """
        ALTER TABLE sessions ADD COLUMN starred INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN seen_event_id INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN imported_from TEXT NOT NULL DEFAULT '';
        ALTER TABLE sessions ADD COLUMN deleted_at TEXT;
        CREATE INDEX sessions_in_trash ON sessions (deleted_at) WHERE deleted_at IS NOT NULL;
        -- Nobody has said yet what was looked at: all of it, so that nothing old asks for attention.
        INSERT INTO events (session_id, type, body)
            SELECT id, 'session.seen', json_object('session_id', id, 'run_id', NULL, 'at',
                strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 'type', 'session.seen', 'through', NULL)
            FROM sessions ORDER BY rowid;
        UPDATE sessions SET seen_event_id = (SELECT MAX(id) FROM events);

        CREATE TABLE trash (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            owner TEXT NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,                    -- JSON: all that is needed to bring it back
            deleted_at TEXT NOT NULL,
            UNIQUE (owner, kind, id)
        );
        """,
    ),
    (
        "modes_of_sessions",
        """
        CREATE TABLE session_modes (
            session_id TEXT PRIMARY KEY,
            mode TEXT NOT NULL,
            limits TEXT,                           -- JSON
            since TEXT NOT NULL,
            steps INTEGER NOT NULL,                -- of the session, when the mode was switched on
            cost_usd REAL NOT NULL
        );
        CREATE INDEX approvals_by_time ON approvals (event_id);
        """,
    ),
    (
        "custom_tools",
        """
        CREATE TABLE custom_tools (
            id TEXT PRIMARY KEY,
            number INTEGER NOT NULL,               -- of its owner's
            owner TEXT NOT NULL,
            name TEXT,                             -- NULL: removed
            body TEXT NOT NULL,                    -- JSON; empty: removed
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            UNIQUE (owner, number),
            UNIQUE (owner, name)
        );
        CREATE TABLE custom_tool_versions (
            tool_id TEXT NOT NULL,
            version INTEGER NOT NULL,
            body TEXT NOT NULL,                    -- JSON
            updated_at TEXT NOT NULL,
            PRIMARY KEY (tool_id, version)
        ) WITHOUT ROWID;
        """,
    ),
    (
        "accounts_and_limits",
        """
        ALTER TABLE runs ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
        ALTER TABLE runs ADD COLUMN message_id TEXT NOT NULL DEFAULT '';  -- of the latest message
        ALTER TABLE usage ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
        ALTER TABLE usage ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
        ALTER TABLE usage ADD COLUMN credits REAL NOT NULL DEFAULT 0;
        UPDATE runs SET message_id = COALESCE((
            SELECT json_extract(CASE body WHEN '' THEN '{}' ELSE body END, '$.message_id') FROM events
            WHERE run_id = runs.id AND type = 'message.added' ORDER BY id LIMIT 1
        ), '');
        UPDATE usage SET message_id =
            COALESCE((SELECT message_id FROM runs WHERE id = usage.run_id), '');
        DROP INDEX usage_by_owner;
        CREATE INDEX usage_by_owner ON usage (owner, at, cost_usd, credits);
        CREATE INDEX usage_by_agent ON usage (owner, agent, at, cost_usd, credits);
        CREATE INDEX usage_by_key ON usage (key_id, owner, at, cost_usd, credits) WHERE key_id <> '';

        CREATE TABLE limits (
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            owner TEXT NOT NULL,
            tier TEXT,
            budgets TEXT NOT NULL,                 -- JSON
            PRIMARY KEY (kind, subject, owner)
        ) WITHOUT ROWID;
        CREATE TABLE requests (
            at REAL NOT NULL,                      -- seconds since 1970, UTC
            owner TEXT NOT NULL,
            key_id TEXT NOT NULL,
            agent TEXT NOT NULL
        );
        CREATE INDEX requests_by_time ON requests (at);
        CREATE INDEX requests_by_owner ON requests (owner, at);
        """,
    ),
    (
        "prompts",
        """
        CREATE TABLE prompts (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            spec TEXT NOT NULL,                    -- JSON
            attachment TEXT,                       -- JSON
            blob TEXT,                             -- of the attachment
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            UNIQUE (owner, name)
        );
        """,
    ),
    (
        "sessions_of_sub_agents",
        """
        ALTER TABLE sessions ADD COLUMN child_of TEXT;   -- JSON; NULL: a person's own
        ALTER TABLE sessions ADD COLUMN root_id TEXT;    -- the outermost session above it
        ALTER TABLE sessions ADD COLUMN parent_run_id TEXT;
        CREATE INDEX sessions_by_root ON sessions (root_id) WHERE root_id IS NOT NULL;
        CREATE INDEX sessions_by_parent_run ON sessions (parent_run_id) WHERE parent_run_id IS NOT NULL;
        """,
    ),
    (
        "uploads",
        """
        CREATE TABLE uploads (                     -- that wait to be taken in
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            blob TEXT NOT NULL,
            size INTEGER NOT NULL,
            ext TEXT NOT NULL,                     -- JSON
            created_at TEXT NOT NULL
        );
        CREATE INDEX uploads_by_owner ON uploads (owner, created_at, id);
        """,
    ),
    (
        "sessions_of_other_systems",
        """
        ALTER TABLE sessions ADD COLUMN ext TEXT NOT NULL DEFAULT '{}';   -- JSON
        CREATE TABLE run_messages (
            message_id TEXT NOT NULL,              -- chosen by clients: two sessions may have the same
            session_id TEXT NOT NULL,
            run_id TEXT NOT NULL,
            PRIMARY KEY (message_id, session_id)
        ) WITHOUT ROWID;
        CREATE INDEX run_messages_by_session ON run_messages (session_id);
        INSERT OR REPLACE INTO run_messages
            SELECT json_extract(body, '$.message_id'), session_id, run_id FROM events
            WHERE type = 'message.added' AND body <> '' AND run_id IS NOT NULL ORDER BY id;
        """,
    ),
    (
        "users_of_other_systems",
        """
        CREATE TABLE user_ext (
            user_id TEXT PRIMARY KEY,
            ext TEXT NOT NULL                      -- JSON
        ) WITHOUT ROWID;
        """,
    ),
    (
        "webhooks_of_other_systems",
        """
        ALTER TABLE webhooks ADD COLUMN format TEXT NOT NULL DEFAULT '';
        ALTER TABLE webhooks ADD COLUMN ext TEXT NOT NULL DEFAULT '{}';   -- JSON
        """,
    ),
    (
        "credits_and_agreements",
        """
        CREATE TABLE credit_accounts (             -- what users were given, whatever they have spent of it
            owner TEXT PRIMARY KEY,
            given REAL NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE agreements (
            user_id TEXT NOT NULL,
            name TEXT NOT NULL,
            title TEXT NOT NULL,
            text TEXT NOT NULL,                    -- as it was accepted
            accepted_at TEXT NOT NULL,
            PRIMARY KEY (user_id, name)
        ) WITHOUT ROWID;
        ALTER TABLE usage ADD COLUMN plan TEXT NOT NULL DEFAULT '';        -- of the agent, where it has one
        """,
    ),
    (
        "titles_that_were_given",
        """
        ALTER TABLE sessions ADD COLUMN titled INTEGER NOT NULL DEFAULT 0;
        UPDATE sessions SET titled = COALESCE(
            (SELECT NOT json_extract(body, '$.automatic') FROM events e
             WHERE e.session_id = sessions.id AND e.type = 'session.renamed' AND e.body <> ''
             ORDER BY e.id DESC LIMIT 1),
            title <> ''
        );
        """,
    ),
    RUN_LOG_STEP,
    (
        "when_questions_were_asked",
        """
        UPDATE questions SET body = json_set(body, '$.asked_at',
            (SELECT json_extract(e.body, '$.at') FROM events e
             WHERE e.id = questions.event_id AND e.body <> ''))
        WHERE open = 1;
        """,
    ),
    (
        "accounts",
        """
        ALTER TABLE users ADD COLUMN email TEXT NOT NULL DEFAULT '';
        ALTER TABLE users ADD COLUMN phone TEXT NOT NULL DEFAULT '';
        ALTER TABLE users ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
        CREATE UNIQUE INDEX users_by_email ON users (lower(email)) WHERE email <> '';
        CREATE TABLE passwords (
            user_id TEXT PRIMARY KEY,
            hash TEXT NOT NULL,                    -- of Argon2id, with its salt and its cost
            changed_at TEXT NOT NULL
        ) WITHOUT ROWID;
        """,
    ),
    (
        "what_collections_were_given",
        """
        CREATE TABLE submissions (
            id TEXT NOT NULL,                      -- of the document, there yet or not
            owner TEXT NOT NULL,
            collection_id TEXT NOT NULL,
            source TEXT NOT NULL,
            name TEXT NOT NULL,
            job_id TEXT,                           -- that it came with
            worked_by TEXT,                        -- the job that has had it last
            status TEXT NOT NULL,
            kept INTEGER NOT NULL DEFAULT 0,       -- whether the collection has a document of it
            item TEXT,                             -- as it was given; NULL: its source says it all
            error TEXT,
            added_at TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            PRIMARY KEY (collection_id, source)
        );
        CREATE INDEX submissions_by_id ON submissions (id);
        CREATE INDEX submissions_by_work ON submissions (worked_by, status);
        CREATE INDEX submissions_by_owner ON submissions (owner);
        """,
    ),
    ("shared_sessions", "ALTER TABLE sessions ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;"),
    (
        "agents_that_are_shared",
        """
        CREATE TABLE agent_shares (
            owner TEXT NOT NULL,
            agent_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            PRIMARY KEY (owner, agent_id, user_id)
        ) WITHOUT ROWID;
        """,
    ),
    (
        "identities",
        """
        CREATE TABLE identities (
            issuer TEXT NOT NULL,                  -- the server where somebody signs in
            subject TEXT NOT NULL,                 -- who he is there
            user_id TEXT NOT NULL,
            since TEXT NOT NULL,
            PRIMARY KEY (issuer, subject)
        ) WITHOUT ROWID;
        CREATE INDEX identities_by_user ON identities (user_id);
        """,
    ),
    (
        "oauth",
        """
        CREATE TABLE oauth_clients (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            redirect_uris TEXT NOT NULL,           -- JSON
            scope TEXT NOT NULL,
            auth_method TEXT NOT NULL,
            secret_hash TEXT NOT NULL,             -- empty: it has no secret
            consent INTEGER NOT NULL,
            enabled INTEGER NOT NULL,
            created_at TEXT NOT NULL
        );
        CREATE TABLE oauth_grants (
            id TEXT PRIMARY KEY,
            client_id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            scope TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            ends REAL NOT NULL                     -- expires_at, in seconds since 1970
        );
        CREATE INDEX oauth_grants_by_user ON oauth_grants (user_id, client_id);
        CREATE TABLE oauth_codes (                 -- one for a grant
            hash TEXT PRIMARY KEY,
            grant_id TEXT NOT NULL,
            redirect_uri TEXT NOT NULL,
            redirect_given INTEGER NOT NULL,
            challenge TEXT NOT NULL,
            challenge_method TEXT NOT NULL,
            expires REAL NOT NULL,                 -- in seconds since 1970
            used INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX oauth_codes_by_grant ON oauth_codes (grant_id);
        CREATE TABLE oauth_tokens (
            hash TEXT PRIMARY KEY,
            grant_id TEXT NOT NULL,
            kind TEXT NOT NULL,                    -- access, refresh
            scope TEXT NOT NULL,
            expires REAL NOT NULL,
            used INTEGER NOT NULL DEFAULT 0        -- a refresh token for which there is another
        );
        CREATE INDEX oauth_tokens_by_grant ON oauth_tokens (grant_id, kind, used);
        """,
    ),
    (
        "releases",
        """
        CREATE TABLE releases (
            version TEXT PRIMARY KEY,
            notes TEXT NOT NULL,
            published_at TEXT NOT NULL,
            artifacts TEXT NOT NULL                -- JSON
        );
        """,
    ),
    (
        "objects",
        """
        CREATE TABLE objects (
            id TEXT PRIMARY KEY,                   -- in the address, where nobody can guess it
            owner TEXT NOT NULL,
            key TEXT NOT NULL,
            name TEXT NOT NULL,
            media_type TEXT NOT NULL,
            size INTEGER NOT NULL,
            content TEXT NOT NULL,                 -- what it is called where the contents are
            created_at TEXT NOT NULL
        );
        CREATE UNIQUE INDEX objects_by_key ON objects (owner, key);
        """,
    ),
)
VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Brings the database at `path` to this version, after a copy of an older one beside it.

    Raises `StoreTooNew` when a newer version wrote it; then nothing is changed.
    """
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise StoreTooNew(
            f"The database {path} has version {found}, this Holdfast knows {VERSION}. "
            "Start the newer Holdfast that wrote it, or point HOLDFAST_HOME at another folder."
        )
    if found == VERSION:
        return
    if found:
        backup = path.with_name(f"{path.name}.v{found}.bak")
        backup.unlink(missing_ok=True)
        backup.touch(0o600, exist_ok=False)  # as private as the database: SQLite's own would not be
        connection.execute("VACUUM INTO ?", (str(backup),))
    steps = [(number, name, script) for number, (name, script) in enumerate(STEPS, start=1)][found:]
    if not found:  # a new one is not left half made, and is made in a third of the time
        steps = [(VERSION, "all", "".join(script for _, _, script in steps))]
    for number, name, script in steps:
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")
        except sqlite3.Error as error:
            connection.rollback()
            raise StoreError(
                f"The database {path} could not be brought to version {number} ({name}): {error}"
            ) from error
