"""What a person can choose for a session in an editor: how much runs may do unasked, the model, the agent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from acp.schema import (
    SessionConfigOptionBoolean,
    SessionConfigOptionSelect,
    SessionConfigSelectOption,
    SessionMode,
    SessionModeState,
)

from holdfast.core.domain.agents import AgentInfo
from holdfast.core.domain.approvals import ApproveMode
from holdfast.core.domain.errors import InvalidError
from holdfast.core.domain.models import ModelInfo
from holdfast.core.domain.text import sanitize_line

MODE, MODEL, AGENT = "mode", "model", "agent"
"""The ids of the options."""
DEFAULT_MODEL = "default"
"""No model of the session's own: the usual order decides. No model is called so."""

_MODES = {
    "ask": ("Ask", "Whatever no rule allows is asked about."),
    "reads": ("Reads", "As Ask, but tools that only read are never asked about."),
    "edits": ("Accept edits", "Files of the workspace are changed without asking; everything else is asked."),
    "plan": ("Plan", "Tools that only read, and no others."),
    "auto": ("Autonomous", "Everything that no rule denies, until a limit is reached."),
    "all": ("Everything", "Everything that no rule denies, without asking."),
}

ConfigOption = SessionConfigOptionSelect | SessionConfigOptionBoolean


def modes_of(current: ApproveMode) -> SessionModeState:
    """Returns the modes, the strictest that works first."""
    modes = [
        SessionMode(id=mode.value, name=_MODES[mode.value][0], description=_MODES[mode.value][1])
        for mode in ApproveMode
        if mode.value in _MODES
    ]
    return SessionModeState(current_mode_id=shown_mode(current), available_modes=modes)


def shown_mode(mode: ApproveMode) -> str:
    """Returns the id of a mode: `none` differs from `ask` only where nobody is there to be asked."""
    return mode.value if mode.value in _MODES else ApproveMode.ASK.value


def mode_named(mode_id: str) -> ApproveMode:
    """Returns the mode of an id. Raises `InvalidError`, which names those there are."""
    known = [mode for mode in ApproveMode if mode.value in _MODES]
    found = next((mode for mode in known if mode.value == mode_id), None)
    if found is None:
        names = ", ".join(mode.value for mode in known)
        raise InvalidError(f"There is no mode {mode_id!r}; there are {names}.", code="unknown_mode")
    return found


def config_options(
    *,
    mode: ApproveMode,
    model: str | None,
    models: Iterable[ModelInfo],
    usual: str,
    agent: str,
    agents: Iterable[AgentInfo],
) -> Sequence[ConfigOption]:
    """Returns the options of a session with their present values.

    `usual` is the model that a session without one of its own uses. Of the models only those are offered that
    can be used now; the present one always is.
    """
    return [
        _select(MODE, "Approvals", MODE, shown_mode(mode), _mode_choices(mode)),
        _select(MODEL, "Model", MODEL, model or DEFAULT_MODEL, _model_choices(model, models, usual)),
        _select(AGENT, "Agent", None, agent, _agent_choices(agent, agents)),
    ]


def _select(
    id: str, name: str, category: str | None, current: str, options: list[SessionConfigSelectOption]
) -> SessionConfigOptionSelect:
    return SessionConfigOptionSelect.model_validate(
        {
            "id": id,
            "name": name,
            "type": "select",
            "category": category,
            "currentValue": current,
            "options": options,
        }
    )


def _mode_choices(current: ApproveMode) -> list[SessionConfigSelectOption]:
    return [
        SessionConfigSelectOption(value=mode.id, name=mode.name, description=mode.description)
        for mode in modes_of(current).available_modes
    ]


def _model_choices(
    current: str | None, models: Iterable[ModelInfo], usual: str
) -> list[SessionConfigSelectOption]:
    named = list(dict.fromkeys(model.name for model in models if model.available))
    if current is not None and current not in named:
        named.insert(0, current)
    first = SessionConfigSelectOption(value=DEFAULT_MODEL, name=f"Default ({sanitize_line(usual)})")
    return [first, *(SessionConfigSelectOption(value=name, name=sanitize_line(name)) for name in named)]


def _agent_choices(current: str, agents: Iterable[AgentInfo]) -> list[SessionConfigSelectOption]:
    valid = {info.name: info for info in agents if info.spec is not None}
    choices = [
        SessionConfigSelectOption(
            value=name,
            name=sanitize_line(info.display_name or name),
            description=sanitize_line(info.description) or None,
        )
        for name, info in valid.items()
    ]
    if current not in valid:
        choices.insert(0, SessionConfigSelectOption(value=current, name=sanitize_line(current)))
    return choices
