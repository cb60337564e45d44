"""The addresses that clients name for a task: webhooks, with everything that holds for those."""

from __future__ import annotations

from a2a.types.a2a_pb2 import AuthenticationInfo, TaskPushNotificationConfig
from a2a.utils.errors import InvalidParamsError

from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.runs import Run
from holdfast.core.domain.values import new_id
from holdfast.core.domain.webhooks import Webhook
from holdfast.core.services.workbench import Workbench
from holdfast.server.a2a.push_format import EVENTS, NAME, Watch, secret_of

_LONGEST = 600
"""Characters of a token or of credentials."""
_LONGEST_ID = 100


async def add(
    workbench: Workbench, run: Run, config: TaskPushNotificationConfig
) -> TaskPushNotificationConfig:
    """Sends what becomes of a task to an address from its beginning on, in the place of a configuration of
    the same id. Raises what `webhooks.add` raises, and `InvalidParamsError`."""
    given = config.authentication
    for text in (config.token, given.credentials, given.scheme):
        if not text.isascii() or not (text.isprintable() or not text) or len(text) > _LONGEST:
            raise InvalidParamsError(f"Tokens and credentials have at most {_LONGEST} ASCII characters.")
    if len(config.id) > _LONGEST_ID:
        raise InvalidParamsError(f"The id of a configuration has at most {_LONGEST_ID} characters.")
    await _forget_ended(workbench, run)
    watch = Watch(run.id, run.session_id, config.id or new_id(), given.scheme)
    for each in await _of(workbench, run):
        if Watch.of(each).config_id == watch.config_id:
            await workbench.webhooks.remove(each.id)
    made = await workbench.webhooks.add(
        config.url,
        EVENTS,
        name=f"A2A: {run.agent}"[:100],
        secret=secret_of(config.token, given.credentials),
        format=NAME,
        ext=watch.ext,
        after=run.first_event_id,
    )
    return config_of(made.webhook)


async def every(workbench: Workbench, run: Run) -> tuple[TaskPushNotificationConfig, ...]:
    """Returns the configurations of a task, oldest first."""
    return tuple(map(config_of, await _of(workbench, run)))


async def one(workbench: Workbench, run: Run, id: str) -> Webhook:
    """Returns the webhook of a configuration. Raises `NotFoundError`."""
    for each in await _of(workbench, run):
        if Watch.of(each).config_id == id:
            return each
    raise NotFoundError("There is no such configuration of this task.", code="push_config_not_found")


def config_of(webhook: Webhook) -> TaskPushNotificationConfig:
    """Returns a configuration, without what is secret in it."""
    watch = Watch.of(webhook)
    config = TaskPushNotificationConfig(id=watch.config_id, task_id=watch.task_id, url=webhook.url)
    if watch.scheme:
        config.authentication.CopyFrom(AuthenticationInfo(scheme=watch.scheme))
    return config


async def _of(workbench: Workbench, run: Run) -> list[Webhook]:
    found = (each for each in await workbench.webhooks.list() if each.format == NAME)
    return [each for each in found if Watch.of(each).task_id == run.id]


async def _forget_ended(workbench: Workbench, run: Run) -> None:
    """Removes the webhooks of tasks that are over, and told of: nothing comes of them any more."""
    for each in await workbench.webhooks.list():
        if each.format != NAME or Watch.of(each).task_id == run.id:
            continue
        try:
            known = await workbench.runs.get(Watch.of(each).task_id)
        except NotFoundError:
            known = None
        if known is None or (known.status.ended and each.cursor >= known.last_event_id):
            await workbench.webhooks.remove(each.id)
