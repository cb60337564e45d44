"""Run by `test_generated_client.py` in its environment: `work_with_generated.py FOLDER URL KEY`.

What is imported from FOLDER was generated from the engine's own description; nothing here writes or reads
JSON by hand.
"""

from __future__ import annotations

import json
import sys
import time
from io import BytesIO

folder, url, key = sys.argv[1:]
sys.path.insert(0, folder)

from made import AuthenticatedClient, models  # noqa: E402 (was generated just now)
from made.api.agents import agents_create, agents_list  # noqa: E402
from made.api.approvals import approvals_decide, approvals_list  # noqa: E402
from made.api.events import events_read_of_run  # noqa: E402
from made.api.files import files_download, files_upload  # noqa: E402
from made.api.runs import runs_get, runs_send  # noqa: E402
from made.api.sessions import sessions_create, sessions_get  # noqa: E402
from made.types import File  # noqa: E402

YAML = "version: 1\nname: clerk\ntools: [write_file]\nmodel: offline\n"
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)


def wait_for(run_id: str, status: models.RunStatus) -> None:
    for _ in range(200):
        run = runs_get.sync(run_id, client=client)
        assert isinstance(run, models.Run), run
        if run.status is status:
            return
        time.sleep(0.05)
    raise AssertionError(f"{run_id} is not {status}")


made = agents_create.sync(client=client, body=models.AgentsCreateRequest(yaml=YAML))
assert isinstance(made, models.AgentInfo), made
agents = agents_list.sync(client=client)
assert isinstance(agents, list)

session = sessions_create.sync(client=client, body=models.SessionsCreateRequest(agent="clerk"))
assert isinstance(session, models.Session), session
message = models.RunsSendRequest(parts=[models.TextPart(text="Write 'made' to made.md", type_="text")])
sent = runs_send.sync(session.id, client=client, body=message)
assert isinstance(sent, models.Submitted) and isinstance(sent.run_id, str), sent
wait_for(sent.run_id, models.RunStatus.WAITING)

waiting = approvals_list.sync(client=client, session_id=session.id)
assert isinstance(waiting, models.ApprovalPage), waiting
yes = models.Decision(outcome=models.DecisionOutcome.APPROVE)
body = models.ApprovalsDecideRequest(decision=yes)
decided = approvals_decide.sync(waiting.items[0].id, client=client, body=body)
assert isinstance(decided, models.Approval), decided
wait_for(sent.run_id, models.RunStatus.COMPLETED)

events = events_read_of_run.sync(sent.run_id, client=client)
assert isinstance(events, models.EventPage), events
file = files_download.sync(session.id, client=client, path="made.md")
assert isinstance(file, File), file
written = files_upload.sync(session.id, client=client, path="in.bin", body=File(payload=BytesIO(b"\0\1")))
assert isinstance(written, models.WrittenFile), written
missing = sessions_get.sync("no-such-session", client=client)
assert isinstance(missing, models.Error), missing

said = {
    "agents": [agent.name for agent in agents],
    "tool": waiting.items[0].tool,
    "decided": decided.status.value,
    "first": type(events.items[0]).__name__,
    "last": type(events.items[-1]).__name__,
    "file": file.payload.read().decode(),
    "size": written.size,
    "missing": missing.error.code,
}
print(json.dumps(said))
