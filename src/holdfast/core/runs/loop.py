"""The agent loop: step, calls, step … until the model is done or a limit ends it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Literal

from holdfast.core.domain.errors import (
    ConflictError,
    ContextTooLong,
    HoldfastError,
    InvalidError,
    UnsupportedError,
)
from holdfast.core.domain.events import (
    MessageAdded,
    RunCompleted,
    ToolCallCompleted,
)
from holdfast.core.domain.messages import TextPart
from holdfast.core.domain.models import ModelCatalog
from holdfast.core.domain.scripts import ScriptSpec
from holdfast.core.domain.values import new_id
from holdfast.core.runs.active import ActiveRun
from holdfast.core.runs.afterwards import Afterwards
from holdfast.core.runs.awaiting import end_children, handed_over, next_child, tell_ends
from holdfast.core.runs.bounds import check_budgets, check_limits, check_repeats, pause, timed
from holdfast.core.runs.compaction import Compactor, kept_on_request
from holdfast.core.runs.executor import Executor
from holdfast.core.runs.phases import ToolPhases
from holdfast.core.runs.projections.state import CallState
from holdfast.core.runs.replies import ReplyCheck
from holdfast.core.runs.scripts import ScriptRuns
from holdfast.core.runs.steps import Phase, Stepper, StepResult
from holdfast.core.runs.waiting import entering

logger = logging.getLogger(__name__)

SUMMARY_TEXT = (
    "Close with a summary of what was done for the last message: what was asked, what you did and found, "
    "which files changed, and what is left to do. Use no tools."
)


class Loop:
    """Takes a run from where it stands to its end."""

    def __init__(
        self,
        stepper: Stepper,
        executor: Executor,
        compactor: Compactor,
        catalog: ModelCatalog,
        replies: ReplyCheck,
        scripts: ScriptRuns,
        afterwards: Afterwards,
    ) -> None:
        self._stepper = stepper
        self._executor = executor
        self._compactor = compactor
        self._catalog = catalog
        self._replies = replies
        self._scripts = scripts
        self._afterwards = afterwards
        self._phases = ToolPhases(self._phase, self._settle)

    async def run(self, run: ActiveRun) -> None:
        """Runs to `run.completed`. Raises `HoldfastError` when the run has to fail: a model's error, a
        limit, a reply that does not fit its schema."""
        if run.compacting is not None:
            await self._compact(run, run.compacting)
            return
        if run.suggesting:
            await self._suggest(run)
            return
        # What a person has run directly has no model.
        asks = run.options.response_format is not None and run.spec.script is None
        if asks and run.model == "offline":
            raise UnsupportedError(
                "The offline model cannot answer in a given JSON form. Choose another model with --model."
            )
        if run.state.open_calls and await self._settle(run, run.state.open_calls):
            return
        if run.state.direct:
            await run.emitter.emit(RunCompleted(**run.ids), durable=True)
            return
        if not run.state.step:
            await run.hooks.before_run()
        if run.knowledge is not None:
            await timed(run, run.knowledge.begin)
        if run.spec.script is not None:
            await self._run_script(run, run.spec.script)
            return
        summing = False
        choosing = run.phased
        while True:
            if choosing and await self._called(run):
                return
            choosing = False
            await self._between_steps(run)
            last = run.levers.finish or summing
            result = await self._step(run, tools=not (last or run.phased))
            if result.calls:
                check_repeats(run)
                if await self._settle(run, result.calls):
                    return
                continue
            if not last and (run.levers.steers or await next_child(run)):
                choosing = run.phased
                continue
            if await self._repaired(run, result):
                continue
            if not summing and await self._summarising(run):
                summing = True
                continue
            reason: Literal["stop", "length", "content_filter"] = (
                "stop" if result.reason == "tool_calls" else result.reason
            )
            await end_children(run)
            await run.hooks.after_run(result.text)
            await self._afterwards.after_reply(run, result.text)
            await run.emitter.emit(RunCompleted(**run.ids, reason=reason), durable=True)
            return

    async def _run_script(self, run: ActiveRun, script: ScriptSpec) -> None:
        """Lets the model use the run's tools, until it wants none; then the script has its turn."""
        if await (self._called(run) if run.phased else self._worked(run)):
            return
        await end_children(run)
        info = await self._catalog.get(run.model, run.owner)
        await timed(run, lambda: self._compactor.before_step(run, self._stepper.request(run), info))
        reply = await self._scripts.run(run, script)
        await self._afterwards.after_reply(run, reply)
        await run.emitter.emit(RunCompleted(**run.ids), durable=True)

    async def _worked(self, run: ActiveRun) -> bool:
        """Lets the model use the run's tools before a script; says whether the run has ended with that."""
        while (run.tools or run.options.client_tools) and not run.levers.finish:
            await self._between_steps(run)
            result = await self._step(run, tools=True)
            if not result.calls:
                if await next_child(run):
                    continue
                break
            check_repeats(run)
            if await self._settle(run, result.calls):
                return True
        return False

    async def _called(self, run: ActiveRun) -> bool:
        """Has tools called in phases; says whether the run has ended with that: with calls for its caller,
        or with a question for what calls need."""
        if await self._phases.run(run):
            return True
        if not run.state.missing:
            return False
        await end_children(run)
        await run.hooks.after_run("\n\n".join(run.state.missing))
        await run.emitter.emit(RunCompleted(**run.ids), durable=True)
        return True

    async def _phase(self, run: ActiveRun, phase: Phase) -> StepResult:
        await self._between_steps(run)
        return await self._step(run, phase=phase)

    async def _settle(self, run: ActiveRun, calls: list[CallState]) -> bool:
        """Brings the calls of a step to their results. Where some are the caller's to execute the run ends
        there, with one append, so that no restart finds it in between; says whether it did."""
        await self._executor.execute(run, [call for call in calls if not run.is_clients(call)])
        left = run.state.open_calls
        over = run.state.handing_over
        if over is not None and not left:
            await end_children(run)
            await run.emitter.emit(*handed_over(run, over), durable=True)
            return True
        if not left:
            return False
        await end_children(run)
        handed = [
            ToolCallCompleted(**run.ids, call_id=call.call_id, name=call.name, outcome="client", content=())
            for call in left
        ]
        await run.emitter.emit(*handed, RunCompleted(**run.ids, reason="client_tools"), durable=True)
        return True

    async def _compact(self, run: ActiveRun, focus: str) -> None:
        keep = kept_on_request(run.emitter.context.entries)
        if not await timed(run, lambda: self._compactor.compact(run, keep, focus)):
            raise nothing_to_compact()
        await run.emitter.emit(RunCompleted(**run.ids), durable=True)

    async def _summarising(self, run: ActiveRun) -> bool:
        """Asks for the summary that a run is to end with; says whether it did. Where a limit is reached the
        reply stands without."""
        if not run.options.force_summary or run.model == "offline":
            return False  # the offline model is no language model
        try:
            check_limits(run)
            await check_budgets(run)
        except HoldfastError as error:
            logger.info("run %s ends without a summary: %s", run.run_id, error)
            return False
        await run.emitter.emit(
            MessageAdded(
                **run.ids, message_id=new_id(), parts=(TextPart(text=SUMMARY_TEXT),), origin="summary"
            )
        )
        return True

    async def _suggest(self, run: ActiveRun) -> None:
        await timed(run, lambda: self._afterwards.suggest(run, run.suggesting))
        await run.emitter.emit(RunCompleted(**run.ids), durable=True)

    async def _between_steps(self, run: ActiveRun) -> None:
        levers = run.levers
        await pause(run)
        while levers.steers:
            await run.emitter.emit(*entering(run))
        await tell_ends(run)
        await run.mode.keep_limits()
        check_limits(run)
        await check_budgets(run)

    async def _step(self, run: ActiveRun, *, tools: bool = True, phase: Phase | None = None) -> StepResult:
        info = await self._catalog.get(run.model, run.owner)

        def step() -> Awaitable[StepResult]:
            return self._stepper.step(run, tools=tools, window=info.context_window, phase=phase)

        await timed(
            run,
            lambda: self._compactor.before_step(
                run, self._stepper.request(run, tools=tools, phase=phase), info
            ),
        )
        try:
            return await timed(run, step)
        except ContextTooLong:
            # The window was smaller than we knew: once with half of what there is, then it is an error.
            used = sum(len(str(entry.message)) for entry in run.emitter.context.entries) // 4
            await run.emitter.drop_step()
            if not await timed(run, lambda: self._compactor.compact(run, used // 3)):
                raise
            return await timed(run, step)

    async def _repaired(self, run: ActiveRun, result: StepResult) -> bool:
        """Checks the reply against `response_format`; asks once for another when it does not fit."""
        schema = run.options.response_format
        if schema is None:
            return False
        problem = await timed(run, lambda: self._replies.problem(result.text, schema))
        if not problem:
            return False
        if run.state.repairs:
            raise InvalidError(
                f"The reply does not fit the requested JSON form, not even when asked again: {problem}",
                code="response_format",
            )
        text = (
            f"Your reply does not fit the requested JSON schema: {problem}\nReply again, with the JSON only."
        )
        await run.emitter.emit(
            MessageAdded(**run.ids, message_id=new_id(), parts=(TextPart(text=text),), origin="repair")
        )
        return True


def nothing_to_compact() -> HoldfastError:
    """Returns the error of a conversation that is as short as it can be."""
    return ConflictError(
        "There is nothing to compact: the model sees a few messages only.", code="nothing_to_compact"
    )
