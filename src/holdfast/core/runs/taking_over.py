"""What another agent begins with when the conversation is handed over to it. Pure."""

from __future__ import annotations

from holdfast.core.domain.errors import ErrorInfo
from holdfast.core.domain.events import AnyEvent, MessageAdded, RunFailed, RunStarted
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.runs import RunOptions
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun, HandOver

_KEPT = (
    *("approve", "approvals", "timeout_s", "max_steps", "max_cost_usd", "max_context_tokens"),
    *("model", "response_format", "suggestions", "analysis", "force_summary"),
)


def options_of_next(options: RunOptions) -> RunOptions:
    """Returns the options of the run that takes over: what bounds the first one and what is wanted
    behind the reply, not what makes its agent."""
    return RunOptions.model_validate({name: getattr(options, name) for name in _KEPT})


def failed_to_begin(run: ActiveRun, over: HandOver, error: ErrorInfo) -> tuple[AnyEvent, ...]:
    """Returns a run that could not begin: whoever follows the conversation learns why it ends here."""
    ids = {"session_id": run.session_id, "run_id": new_id()}
    return (
        RunStarted(
            **ids,
            agent=over.agent,
            model=run.model,
            key=run.state.key,
            options=options_of_next(run.options),
            hand_overs=run.state.hand_overs + 1,
        ),
        MessageAdded(**ids, message_id=new_id(), parts=(TextPart(text=over.task),), origin="agent"),
        RunFailed(**ids, error=error),
    )
