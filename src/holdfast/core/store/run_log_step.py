"""The step that gives a database its log of runs, filled with the runs that are there."""

from __future__ import annotations

RUN_LOG_STEP: tuple[str, str] = (
    "the_log_of_runs",
    """
    CREATE TABLE run_log (
        run_id TEXT PRIMARY KEY,
        first_event_id INTEGER NOT NULL,
        message_event_id INTEGER,              -- of the message whose beginning is the prompt
        owner TEXT NOT NULL,
        session_id TEXT NOT NULL,
        root_id TEXT NOT NULL,                 -- the session that a person knows
        parent_run_id TEXT,                    -- NULL: no sub-agent's
        agent TEXT NOT NULL,
        model TEXT NOT NULL,
        key_id TEXT NOT NULL,
        status TEXT NOT NULL,
        error TEXT NOT NULL DEFAULT '',        -- its code
        started_at REAL NOT NULL,              -- seconds since 1970, UTC
        idle_since REAL,                       -- paused, or waiting for a person
        idle_ms REAL NOT NULL DEFAULT 0,
        response_ms REAL,                      -- NULL: it goes on
        model_ms REAL NOT NULL DEFAULT 0,
        choice_ms REAL NOT NULL DEFAULT 0,
        parameters_ms REAL NOT NULL DEFAULT 0,
        purpose TEXT NOT NULL DEFAULT 'reply', -- of the latest step
        steps INTEGER NOT NULL DEFAULT 0,
        tools INTEGER NOT NULL DEFAULT 0,
        tool_ms REAL NOT NULL DEFAULT 0,
        input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0,
        cached_tokens INTEGER NOT NULL DEFAULT 0,
        reasoning_tokens INTEGER NOT NULL DEFAULT 0,
        cost_usd REAL NOT NULL DEFAULT 0,
        credits REAL NOT NULL DEFAULT 0,
        estimated INTEGER NOT NULL DEFAULT 0,
        unpriced INTEGER NOT NULL DEFAULT 0,
        logged INTEGER NOT NULL DEFAULT 1,
        prompt TEXT NOT NULL DEFAULT '',
        copied INTEGER NOT NULL DEFAULT 0,     -- with a fork, or imported
        trashed INTEGER NOT NULL DEFAULT 0
    );

    CREATE TEMP TABLE took AS                  -- what calls of models and tools took
        SELECT run_id,
            SUM(type = 'tool_call.completed') AS tools,
            SUM(CASE type WHEN 'step.completed' THEN json_extract(body, '$.timing.total_ms') ELSE 0 END)
                AS model_ms,
            SUM(CASE type WHEN 'tool_call.completed' THEN COALESCE(json_extract(body, '$.duration_ms'), 0)
                ELSE 0 END) AS tool_ms
        FROM events WHERE body <> '' AND (type = 'step.completed' OR type = 'tool_call.completed'
            AND json_extract(body, '$.outcome') IN ('ok', 'error', 'timeout', 'client'))
        GROUP BY run_id;
    CREATE TEMP TABLE said AS                  -- the message that began each run
        SELECT run_id, MIN(id) AS id FROM events
        WHERE type = 'message.added' AND body <> ''
            AND json_extract(body, '$.origin') IN ('send', 'continue', 'agent')
        GROUP BY run_id;
    CREATE TEMP TABLE waits AS                 -- what each run waited for a person
        SELECT run_id, SUM(CASE WHEN open > 0 THEN until - at ELSE 0 END) * 86400000.0 AS ms FROM (
            SELECT run_id, julianday(json_extract(body, '$.at')) AS at,
                LEAD(julianday(json_extract(body, '$.at'))) OVER (PARTITION BY run_id ORDER BY id) AS until,
                SUM(CASE WHEN type IN ('approval.requested', 'question.asked') THEN 1 ELSE -1 END)
                    OVER (PARTITION BY run_id ORDER BY id) AS open
            FROM events WHERE body <> '' AND run_id IS NOT NULL AND type IN
                ('approval.requested', 'approval.resolved', 'question.asked', 'question.answered')
        ) GROUP BY run_id;
    CREATE TEMP TABLE charged AS SELECT run_id, SUM(credits) AS credits FROM usage GROUP BY run_id;
    CREATE INDEX temp.took_by_run ON took (run_id);
    CREATE INDEX temp.said_by_run ON said (run_id);
    CREATE INDEX temp.waits_by_run ON waits (run_id);
    CREATE INDEX temp.charged_by_run ON charged (run_id);

    INSERT INTO run_log (run_id, first_event_id, message_event_id, owner, session_id, root_id, parent_run_id,
            agent, model, key_id, status, error, started_at, idle_ms, response_ms, model_ms, steps, tools,
            tool_ms, input_tokens, output_tokens, cached_tokens, reasoning_tokens, cost_usd, credits,
            estimated, unpriced, prompt, copied, trashed)
        SELECT r.id, r.first_event_id, said.id, s.owner, s.id, COALESCE(s.root_id, s.id), s.parent_run_id,
            r.agent, r.model, r.key_id, r.status, COALESCE(json_extract(r.error, '$.code'), ''),
            (julianday(r.started_at) - 2440587.5) * 86400.0, COALESCE(waits.ms, 0),
            CASE WHEN r.ended_at IS NULL THEN NULL
                WHEN json_extract(r.error, '$.code') = 'interrupted'
                    THEN COALESCE(took.model_ms, 0) + COALESCE(took.tool_ms, 0)
                ELSE MAX(0, (julianday(r.ended_at) - julianday(r.started_at)) * 86400000.0
                    - COALESCE(waits.ms, 0)) END,
            COALESCE(took.model_ms, 0), r.steps, COALESCE(took.tools, 0), COALESCE(took.tool_ms, 0),
            r.input_tokens, r.output_tokens, r.cached_tokens, r.reasoning_tokens, r.cost_usd,
            COALESCE(charged.credits, 0), r.estimated, r.unpriced,
            COALESCE((SELECT substr(group_concat(json_extract(p.value, '$.text'), char(10)), 1, 300)
                FROM events e, json_each(e.body, '$.parts') p
                WHERE e.id = said.id AND json_extract(p.value, '$.type') = 'text'), ''),
            (s.forked_from IS NOT NULL OR s.imported_from <> '') AND r.started_at <= s.created_at,
            s.deleted_at IS NOT NULL
        FROM runs r JOIN sessions s ON s.id = r.session_id LEFT JOIN said ON said.run_id = r.id
            LEFT JOIN took ON took.run_id = r.id LEFT JOIN waits ON waits.run_id = r.id
            LEFT JOIN charged ON charged.run_id = r.id;
    CREATE INDEX run_log_by_parent ON run_log (parent_run_id) WHERE parent_run_id IS NOT NULL;

    -- What sub-agents have used counts in the runs above them.
    WITH RECURSIVE below (above, id) AS (
        SELECT parent_run_id, run_id FROM run_log WHERE parent_run_id IS NOT NULL
        UNION SELECT b.above, l.run_id FROM run_log l JOIN below b ON l.parent_run_id = b.id
    ), used AS (
        SELECT b.above, SUM(r.input_tokens) AS input_tokens, SUM(r.output_tokens) AS output_tokens,
            SUM(r.cached_tokens) AS cached_tokens, SUM(r.reasoning_tokens) AS reasoning_tokens,
            SUM(r.cost_usd) AS cost_usd, SUM(COALESCE(c.credits, 0)) AS credits,
            MAX(r.estimated) AS estimated, MAX(r.unpriced) AS unpriced
        FROM below b JOIN runs r ON r.id = b.id LEFT JOIN charged c ON c.run_id = r.id GROUP BY b.above
    )
    UPDATE run_log SET input_tokens = run_log.input_tokens + used.input_tokens,
        output_tokens = run_log.output_tokens + used.output_tokens,
        cached_tokens = run_log.cached_tokens + used.cached_tokens,
        reasoning_tokens = run_log.reasoning_tokens + used.reasoning_tokens,
        cost_usd = run_log.cost_usd + used.cost_usd, credits = run_log.credits + used.credits,
        estimated = run_log.estimated OR used.estimated, unpriced = run_log.unpriced OR used.unpriced
        FROM used WHERE run_log.run_id = used.above;
    DROP TABLE took; DROP TABLE said; DROP TABLE waits; DROP TABLE charged;

    -- All that a listing is chosen and sorted by, so that the rows are read for one page only.
    CREATE INDEX run_log_listed ON run_log (owner, started_at, first_event_id, agent, credits, cost_usd,
        response_ms, message_event_id, session_id, run_id)
        WHERE parent_run_id IS NULL AND trashed = 0 AND copied = 0;
    CREATE INDEX run_log_by_session ON run_log (session_id, first_event_id);
    CREATE INDEX run_log_by_root ON run_log (root_id);
    """,
)
