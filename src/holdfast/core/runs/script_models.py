"""The models that a script's queries mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdfast.core.domain.errors import InvalidError, ModelNotFound
from holdfast.core.domain.models import ModelCatalog, ModelInfo
from holdfast.core.domain.plans import price_of
from holdfast.core.domain.scripts import ScriptSpec
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.models.script_names import meant_by, spellings
from holdfast.core.runs.active import ActiveRun


class ScriptModels:
    """Knows what one script's names mean; `names` are those of the settings."""

    def __init__(
        self,
        run: ActiveRun,
        script: ScriptSpec,
        catalog: ModelCatalog,
        names: Callable[[], Mapping[str, str]],
    ) -> None:
        self.catalog = catalog
        self._run = run
        self._script = script
        self._names = names
        self._own = run.models

    async def called(self, name: str) -> dict[str, ModelInfo]:
        """Returns the model that a query means and what it falls back to, in order. Raises `ModelError`, and
        `InvalidError` (`model_not_found`) for what is no name.

        With a plan, a name of the price list for which no provider is set up means the run's own model: who
        calls the agent knows its names and nothing of providers.
        """
        if not name or len(name) > 200 or not name.isprintable():
            raise _no_model(name)
        meant = self._mapped(name) or await self._listed(name)
        found = dict.fromkeys((*meant, *self._run.spec.fallback_models))
        return {each: await self.catalog.get(each, self._run.owner) for each in found}

    def _mapped(self, name: str) -> tuple[str, ...]:
        names = self._names()
        for known in (self._script.models, names):
            if model := known.get(name):
                return (model,)
        if self._run.spec.plan is None:
            return ()
        said = (each.get(spelled) for each in (self._script.models, names) for spelled in spellings(name))
        return next(((model,) for model in said if model), ())

    async def _listed(self, name: str) -> tuple[str, ...]:
        if self._run.spec.plan is None or price_of(name) is None:
            return (name,)
        for each in meant_by(name):
            try:
                info = await self.catalog.get(each, self._run.owner)
            except ModelNotFound:
                continue
            if info.available:
                return (each,)
        return self._own


def _no_model(name: str) -> InvalidError:
    shown = shorten(sanitize_line(name), 100)
    return InvalidError(f"there is no model {shown!r}", code="model_not_found")
