"""The first steps of the database's shape: the log, its index, users, usage, webhooks and jobs."""

from __future__ import annotations

FIRST_STEPS: tuple[tuple[str, str], ...] = (
    (
        "events_and_index",
        """
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,  -- plain row ids are used again after deletes
            session_id TEXT NOT NULL,
            run_id TEXT,
            type TEXT NOT NULL,
            body TEXT NOT NULL,                    -- JSON; empty when it is in the blob
            blob TEXT                              -- SHA-256 of bodies over 64 KiB
        );
        CREATE INDEX events_by_session ON events (session_id, id);
        CREATE INDEX events_by_run ON events (run_id, id);
        CREATE INDEX file_changes ON events (session_id, id) WHERE type = 'file.changed';

        CREATE TABLE sessions (
            id TEXT PRIMARY KEY,
            title TEXT NOT NULL,
            agent TEXT NOT NULL,
            model TEXT,
            project TEXT NOT NULL,
            workspace TEXT NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            forked_from TEXT,
            run_id TEXT,
            messages INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX sessions_by_update ON sessions (updated_at);

        CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            session_id TEXT NOT NULL,
            agent TEXT NOT NULL,
            model TEXT NOT NULL,
            options TEXT NOT NULL,
            status TEXT NOT NULL,
            started_at TEXT NOT NULL,
            ended_at TEXT,
            error TEXT,
            steps INTEGER NOT NULL DEFAULT 0,
            input_tokens INTEGER NOT NULL DEFAULT 0,
            output_tokens INTEGER NOT NULL DEFAULT 0,
            cached_tokens INTEGER NOT NULL DEFAULT 0,
            reasoning_tokens INTEGER NOT NULL DEFAULT 0,
            cost_usd REAL NOT NULL DEFAULT 0,
            estimated INTEGER NOT NULL DEFAULT 0,
            unpriced INTEGER NOT NULL DEFAULT 0,
            first_event_id INTEGER NOT NULL,
            last_event_id INTEGER NOT NULL
        );
        CREATE INDEX runs_by_session ON runs (session_id, first_event_id);
        CREATE INDEX runs_open ON runs (status) WHERE status IN ('running', 'paused', 'waiting');

        CREATE TABLE approvals (
            id TEXT PRIMARY KEY,
            session_id TEXT NOT NULL,
            run_id TEXT NOT NULL,
            status TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            body TEXT NOT NULL
        );
        CREATE INDEX approvals_by_session ON approvals (session_id);
        CREATE INDEX approvals_pending ON approvals (event_id) WHERE status = 'pending';

        CREATE TABLE questions (
            id TEXT PRIMARY KEY,
            session_id TEXT NOT NULL,
            run_id TEXT NOT NULL,
            open INTEGER NOT NULL,
            event_id INTEGER NOT NULL,
            body TEXT NOT NULL
        );
        CREATE INDEX questions_by_session ON questions (session_id);
        CREATE INDEX questions_open ON questions (event_id) WHERE open = 1;

        CREATE TABLE queue (
            id TEXT PRIMARY KEY,
            session_id TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            body TEXT NOT NULL
        );
        CREATE INDEX queue_by_session ON queue (session_id, event_id);

        CREATE TABLE blob_uses (
            digest TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            PRIMARY KEY (digest, event_id)
        ) WITHOUT ROWID;
        CREATE INDEX blob_uses_by_event ON blob_uses (event_id);

        CREATE VIRTUAL TABLE search USING fts5 (
            text, session_id UNINDEXED, role UNINDEXED, at UNINDEXED, tokenize = 'unicode61'
        );
        """,
    ),
    (
        "owners_and_credentials",
        """
        ALTER TABLE sessions ADD COLUMN owner TEXT NOT NULL DEFAULT 'local';
        CREATE INDEX sessions_by_owner ON sessions (owner, updated_at);

        CREATE TABLE users (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL,
            created_at TEXT NOT NULL
        );
        INSERT INTO users VALUES ('local', 'local', 'admin', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));

        CREATE TABLE credentials (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            user_id TEXT NOT NULL,
            name TEXT NOT NULL,
            scope TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE,             -- SHA-256 of the secret, which is not kept
            last_four TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT,
            last_used_at TEXT,
            revoked_at TEXT
        );
        CREATE INDEX credentials_by_user ON credentials (user_id, kind);
        """,
    ),
    (
        "message_ids_of_sessions",
        """
        ALTER TABLE queue RENAME TO queue_before;
        CREATE TABLE queue (
            id TEXT NOT NULL,                      -- chosen by clients: two sessions may have the same
            session_id TEXT NOT NULL,
            event_id INTEGER NOT NULL,
            body TEXT NOT NULL,
            PRIMARY KEY (session_id, id)
        );
        INSERT INTO queue SELECT id, session_id, event_id, body FROM queue_before;
        DROP TABLE queue_before;
        CREATE INDEX queue_by_session ON queue (session_id, event_id);
        """,
    ),
    (
        "usage_that_outlives_sessions",
        """
        CREATE TABLE usage (
            event_id INTEGER PRIMARY KEY,          -- of run.started, step.started or usage.recorded
            at REAL NOT NULL,                      -- seconds since 1970, UTC
            owner TEXT NOT NULL,
            session_id TEXT NOT NULL,
            run_id TEXT NOT NULL,
            agent TEXT NOT NULL,
            model TEXT NOT NULL,
            runs INTEGER NOT NULL,
            steps INTEGER NOT NULL,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            cost_usd REAL NOT NULL,
            estimated INTEGER NOT NULL,
            unpriced INTEGER NOT NULL
        );
        CREATE INDEX usage_by_owner ON usage (owner, at);

        -- What a fork has copied was paid for where it happened.
        INSERT INTO usage
            SELECT r.first_event_id, (julianday(r.started_at) - 2440587.5) * 86400.0,
                s.owner, s.id, r.id, r.agent, r.model, 1, 0, 0, 0, 0, 0, 0, 0, 0
            FROM runs r JOIN sessions s ON s.id = r.session_id
            WHERE s.forked_from IS NULL OR julianday(r.started_at) > julianday(s.created_at);
        INSERT INTO usage
            SELECT e.id, (julianday(json_extract(e.fields, '$.at')) - 2440587.5) * 86400.0,
                s.owner, s.id, r.id, r.agent, json_extract(e.fields, '$.model'), 0, e.type = 'step.started',
                COALESCE(json_extract(e.fields, '$.input_tokens'), 0),
                COALESCE(json_extract(e.fields, '$.output_tokens'), 0),
                COALESCE(json_extract(e.fields, '$.cached_tokens'), 0),
                COALESCE(json_extract(e.fields, '$.reasoning_tokens'), 0),
                COALESCE(json_extract(e.fields, '$.cost_usd'), 0),
                COALESCE(json_extract(e.fields, '$.estimated'), 0),
                e.type = 'usage.recorded' AND json_extract(e.fields, '$.cost_usd') IS NULL
            FROM (
                SELECT id, run_id, type, CASE body WHEN '' THEN '{}' ELSE body END AS fields
                FROM events WHERE type IN ('step.started', 'usage.recorded')
            ) e JOIN runs r ON r.id = e.run_id JOIN sessions s ON s.id = r.session_id
            WHERE json_extract(e.fields, '$.at') IS NOT NULL AND (
                s.forked_from IS NULL
                OR julianday(json_extract(e.fields, '$.at')) > julianday(s.created_at)
            );
        """,
    ),
    (
        "webhooks",
        """
        CREATE TABLE webhooks (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            name TEXT NOT NULL,
            url TEXT NOT NULL,
            events TEXT NOT NULL,                  -- JSON: patterns of types
            session_id TEXT,
            enabled INTEGER NOT NULL,
            reason TEXT NOT NULL,
            created_at TEXT NOT NULL,
            cursor INTEGER NOT NULL,
            failing_since TEXT,
            failures INTEGER NOT NULL,
            succeeded_at TEXT
        );
        CREATE INDEX webhooks_by_owner ON webhooks (owner);

        CREATE TABLE deliveries (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            webhook_id TEXT NOT NULL,
            event_id INTEGER,
            type TEXT NOT NULL,
            status TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            attempted_at TEXT,
            next_attempt_at TEXT,
            response_status INTEGER,
            response TEXT NOT NULL,
            error TEXT NOT NULL,
            duration_ms REAL
        );
        CREATE INDEX deliveries_by_webhook ON deliveries (webhook_id, number);
        CREATE INDEX deliveries_pending ON deliveries (webhook_id) WHERE status = 'pending';
        """,
    ),
    (
        "answers_to_requests_that_may_be_repeated",
        """
        CREATE TABLE idempotency (
            user_id TEXT NOT NULL,
            operation TEXT NOT NULL,
            key TEXT NOT NULL,
            digest TEXT NOT NULL,                  -- of the request
            engine TEXT NOT NULL,                  -- which process answers it, or has
            at TEXT NOT NULL,
            status INTEGER,                        -- NULL until it is answered
            body BLOB,
            PRIMARY KEY (user_id, operation, key)
        );
        CREATE INDEX idempotency_by_time ON idempotency (at);
        """,
    ),
    (
        "messages_of_sessions",
        """
        CREATE INDEX messages_by_session ON events (session_id, id)
            WHERE type IN ('message.added', 'message.queued');
        """,
    ),
    ("makers_of_credentials", "ALTER TABLE credentials ADD COLUMN made_by TEXT;"),
    (
        "jobs_and_events_of_users",
        """
        ALTER TABLE events ADD COLUMN owner TEXT;   -- of events that are of no session
        ALTER TABLE events ADD COLUMN job_id TEXT;
        CREATE INDEX events_by_job ON events (job_id, id) WHERE job_id IS NOT NULL;

        CREATE TABLE jobs (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            collection_id TEXT NOT NULL,
            status TEXT NOT NULL,
            request TEXT NOT NULL,
            progress TEXT NOT NULL,
            failures TEXT NOT NULL,
            retry_of TEXT,
            error TEXT,
            started_at TEXT NOT NULL,
            ended_at TEXT,
            first_event_id INTEGER NOT NULL,
            last_event_id INTEGER NOT NULL
        );
        CREATE INDEX jobs_by_owner ON jobs (owner, first_event_id);
        CREATE INDEX jobs_running ON jobs (first_event_id) WHERE status = 'running';
        """,
    ),
)
