"""The examples of Sage's documentation, as they stand there: command lines of `curl` for a shell."""

from __future__ import annotations

HOST = "http://127.0.0.1:8000"
"""Where the server is in the examples."""

EXAMPLES: dict[int, str] = {
    1: r"""
curl -X POST http://127.0.0.1:8000/api/auth/register/send-code \
-H 'Content-Type: application/json' \
-d '{"email":"user@example.com"}'
""",
    2: r"""
curl -c cookies.txt -X POST http://127.0.0.1:8000/api/auth/login \
-H 'Content-Type: application/json' \
-d '{"username_or_email":"alice","password":"StrongPassword123"}'
""",
    3: r"""
curl -b cookies.txt http://127.0.0.1:8000/api/auth/session
""",
    4: r"""
curl -N -b cookies.txt -X POST http://127.0.0.1:8000/api/chat \
-H 'Content-Type: application/json' \
-d '{
"messages":[{"role":"user","content":"Summarize the repository structure."}],
"session_id":"sess_123",
"agent_id":"agent_abc"
}'
""",
    5: r"""
curl -N http://127.0.0.1:8000/api/stream/resume/sess_123?last_index=15
""",
    6: r"""
curl -b cookies.txt -X POST http://127.0.0.1:8000/api/agent/create \
-H 'Content-Type: application/json' \
-d '{
"name":"Research Agent",
"systemPrefix":"You are a careful research assistant.",
"availableTools":["web_search"],
"availableSkills":["market-research"],
"memoryType":"session",
"maxLoopCount":10
}'
""",
    7: r"""
curl -b cookies.txt -X POST http://127.0.0.1:8000/api/knowledge-base/retrieve \
-H 'Content-Type: application/json' \
-d '{
"kdb_id":"kdb_xxx",
"query":"How does login work?",
"top_k":5
}'
""",
    8: r"""
curl -b cookies.txt -X POST http://127.0.0.1:8000/api/knowledge-base/doc/add_by_files \
-F 'kdb_id=kdb_xxx' \
-F 'override=false' \
-F 'files=@./README.md'
""",
    9: r"""
curl -b cookies.txt -X POST http://127.0.0.1:8000/api/tools/exec \
-H 'Content-Type: application/json' \
-d '{
"tool_name":"web_search",
"tool_params":{"query":"Sage repository"}
}'
""",
    10: r"""
curl -b cookies.txt -X POST http://127.0.0.1:8000/api/skills/import-url \
-H 'Content-Type: application/json' \
-d '{
"url":"https://example.com/skill.zip",
"is_system":false,
"is_agent":false,
"agent_id":null
}'
""",
    11: r"""
curl -X POST http://127.0.0.1:8000/api/oss/upload \
-F 'file=@./example.png' \
-F 'path=uploads/images'
""",
    12: r"""
curl http://127.0.0.1:8000/.well-known/oauth-authorization-server
""",
    13: r"""
curl -X POST http://127.0.0.1:8000/oauth2/token \
-H 'Content-Type: application/x-www-form-urlencoded' \
-d 'grant_type=authorization_code&code=AUTH_CODE&redirect_uri=https%3A%2F%2Fclient.example.com%2Fcallback&code_verifier=PKCE_VERIFIER'
""",  # noqa: E501  # to the letter
}
