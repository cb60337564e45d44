"""h2oGPTe's health, its models, and those of its API that is like OpenAI's."""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse, Response

from holdfast.core.domain.values import utc_now
from holdfast.core.services.workbench import Workbench
from holdfast.server.dialects.h2ogpte.asking import ask_once
from holdfast.server.dialects.h2ogpte.mapping_asking import answer_of, extraction_of
from holdfast.server.dialects.h2ogpte.mapping_models import (
    AUTO,
    PLAIN,
    interval_of,
    model_of,
    openai_model_of,
    seeing,
    usable,
    use_of,
)
from holdfast.server.dialects.h2ogpte.wire_models import (
    ChatBody,
    ExtractionRequest,
    IntervalQuery,
    Model,
    ModelAnswer,
    ModelExtractionAnswer,
    ModelUse,
    QuestionRequest,
    SummarizeRequest,
)
from holdfast.server.kit.operations import Call, Operation
from holdfast.server.openai.mapping import MODEL_PREFIX, Asked, no_model
from holdfast.server.openai.routes import AgentModels, chat_operations
from holdfast.server.openai.wire import ChatRequest

OPENAI = "/openai_api"
MODELS = "/api/v1/models"
ONE = f"{MODELS}/{{model_name:path}}"


async def is_ready(call: Call) -> Response:
    """Says that requests are answered."""
    return PlainTextResponse("ready")


async def is_alive(call: Call) -> Response:
    """Says that the server runs."""
    return PlainTextResponse("alive")


async def list_models(call: Call) -> tuple[Model, ...]:
    """Lists the models that can be used now."""
    return tuple(model_of(each) for each in usable(await call.workbench.models.list()))


async def get_vision_capable_model_names(call: Call) -> tuple[str, ...]:
    """Lists the models that take images."""
    return seeing(await call.workbench.models.list())


async def get_model_to_vision_model_mapping(call: Call) -> dict[str, str]:
    """Says which model looks at the images of which: those that can do it themselves."""
    return {name: name for name in seeing(await call.workbench.models.list())}


async def get_usage_stats_by_model(call: Call) -> tuple[ModelUse, ...]:
    """Says what the caller has used of each model lately."""
    asked: IntervalQuery = call.query
    since = utc_now() - interval_of(asked.interval)
    found = await call.workbench.usage.report(since, by="model", limit=1_000)
    return tuple(use_of(each) for each in found.groups)


async def answer_question(call: Call) -> ModelAnswer:
    """Asks a model a question, outside of any chat."""
    return answer_of(await ask_once(call))


async def summarize_content(call: Call) -> ModelAnswer:
    """Has a model summarise texts."""
    return answer_of(await ask_once(call))


async def extract_data(call: Call) -> ModelExtractionAnswer:
    """Has a model extract something from texts."""
    return extraction_of(await ask_once(call))


class Models(AgentModels):
    """The agents, and the models by themselves: these answer as the default agent without its tools, which
    `use_agent` gives it."""

    body = ChatBody

    async def all(self, workbench: Workbench) -> list[dict[str, Any]]:
        own = [openai_model_of(each) for each in usable(await workbench.models.list())]
        return [*own, *await super().all(workbench)]

    async def one(self, workbench: Workbench, name: str) -> dict[str, Any]:
        if name.startswith(MODEL_PREFIX):
            return await super().one(workbench, name)
        models = usable(await workbench.models.list())
        found = next((each for each in models if each.name == name), None)
        if found is None:
            raise no_model(name)
        return openai_model_of(found)

    async def asked(self, workbench: Workbench, request: ChatRequest) -> Asked:
        if request.model.startswith(MODEL_PREFIX):
            return await super().asked(workbench, request)
        if request.model != AUTO:
            await self.one(workbench, request.model)
        model = {} if request.model == AUTO else {"model": request.model}
        plain = {} if isinstance(request, ChatBody) and request.use_agent else PLAIN
        agent = (await workbench.engine.settings()).default_agent
        return Asked(agent, {**plain, **model, "hand_over": False})


OPERATIONS = (
    Operation("health_readiness", "GET", "/rpc/health/readiness", is_ready, gives="text/plain", public=True),
    Operation("health_liveness", "GET", "/rpc/health/liveness", is_alive, gives="text/plain", public=True),
    Operation("list_models", "GET", MODELS, list_models, result=tuple[Model, ...]),
    Operation(
        "get_vision_capable_model_names",
        "GET",
        f"{MODELS}/vision_capable_model_names",
        get_vision_capable_model_names,
        result=tuple[str, ...],
    ),
    Operation(
        "get_model_to_vision_model_mapping",
        "GET",
        f"{MODELS}/model_to_vision_model_mapping",
        get_model_to_vision_model_mapping,
        result=dict[str, str],
    ),
    Operation(
        "get_usage_stats_by_model",
        "GET",
        "/api/v1/stats/usage_by_model",
        get_usage_stats_by_model,
        result=tuple[ModelUse, ...],
        query=IntervalQuery,
    ),
    Operation(
        "answer_question",
        "POST",
        f"{ONE}/answer_question",
        answer_question,
        result=ModelAnswer,
        body=QuestionRequest,
    ),
    Operation(
        "summarize_content",
        "POST",
        f"{ONE}/summarize_content",
        summarize_content,
        result=ModelAnswer,
        body=SummarizeRequest,
    ),
    Operation(
        "extract_data",
        "POST",
        f"{ONE}/extract_data",
        extract_data,
        result=ModelExtractionAnswer,
        body=ExtractionRequest,
    ),
    *chat_operations(
        f"{OPENAI}/v1", Models(), ("openai_chat_completion", "openai_list_models", "openai_get_model")
    ),
)
