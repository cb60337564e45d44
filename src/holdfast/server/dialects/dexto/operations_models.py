"""OpenRouter's models, models in files of the engine's machine, and Ollama."""

from __future__ import annotations

from pathlib import PurePath

from holdfast.core.domain.errors import ForbiddenError, HoldfastError, NotFoundError
from holdfast.server.dialects.dexto.errors import only_body
from holdfast.server.dialects.dexto.mapping_llm import local_models, looked_up, ollama_models
from holdfast.server.dialects.dexto.wire_llm import (
    DeleteLocalBody,
    FileBody,
    FileChecked,
    LocalDeleted,
    LocalModels,
    OllamaModels,
    OllamaQuery,
    OpenRouterModel,
    Refreshed,
)
from holdfast.server.kit.operations import Call, Operation


async def validate_openrouter_model(call: Call) -> OpenRouterModel:
    """Says whether OpenRouter has a model, as far as the table that is installed knows."""
    model = call.path["modelId"]
    return looked_up(model, await call.workbench.models.look_up(f"openrouter/{model}"))


async def refresh_openrouter_cache(call: Call) -> Refreshed:
    """Does nothing: the table of models comes with what is installed, and is always there."""
    return Refreshed(message="The table of models is the one that is installed; there is nothing to refresh")


async def list_local_models(call: Call) -> LocalModels:
    """Lists the models in files of the engine's machine."""
    return LocalModels(models=local_models(await call.workbench.models.own()))


async def list_ollama_models(call: Call) -> OllamaModels:
    """Lists what an Ollama has."""
    return ollama_models(await call.workbench.models.ollama(call.query.base_url))


async def validate_local_model(call: Call) -> FileChecked:
    """Says whether a file of the engine's machine is a model that can be run."""
    body: FileBody = call.body
    if not PurePath(body.file_path).is_absolute():
        return FileChecked(valid=False, error="The path of the file must be absolute")
    try:
        found = await call.workbench.models.check_file(body.file_path)
    except ForbiddenError as error:
        if error.code not in ("not_readable", "path_forbidden"):  # else who asks may name no file at all
            raise
        return FileChecked(valid=False, error=error.message)
    except HoldfastError as error:
        return FileChecked(valid=False, error=error.message)
    return FileChecked(valid=True, size_bytes=found.size_bytes)


async def delete_local_model(call: Call) -> LocalDeleted:
    """Removes a model in a file, and the file too unless it is to stay."""
    body: DeleteLocalBody = call.body
    id = call.path["modelId"]
    try:
        if id not in {each.model.name for each in await call.workbench.models.own() if each.model.path}:
            raise NotFoundError(f"Model '{id}' not found")
        gone = await call.workbench.models.forget(id, body.delete_file)
    except NotFoundError as error:
        said = {"success": False, "modelId": id, "fileDeleted": False, "error": error.message}
        raise only_body(said) from error
    return LocalDeleted(model_id=id, file_deleted=gone.file_deleted)


_LOCAL = "/api/models/local"

OPERATIONS = (
    Operation(
        "validate_openrouter_model",
        "GET",
        "/api/openrouter/validate/{modelId}",
        validate_openrouter_model,
        result=OpenRouterModel,
    ),
    Operation(
        "refresh_openrouter_cache",
        "POST",
        "/api/openrouter/refresh-cache",
        refresh_openrouter_cache,
        result=Refreshed,
    ),
    Operation("list_local_models", "GET", _LOCAL, list_local_models, result=LocalModels),
    Operation(
        "list_ollama_models",
        "GET",
        "/api/models/ollama",
        list_ollama_models,
        result=OllamaModels,
        query=OllamaQuery,
    ),
    Operation(
        "validate_local_model",
        "POST",
        f"{_LOCAL}/validate",
        validate_local_model,
        result=FileChecked,
        body=FileBody,
    ),
    Operation(
        "delete_local_model",
        "DELETE",
        f"{_LOCAL}/{{modelId}}",
        delete_local_model,
        result=LocalDeleted,
        body=DeleteLocalBody,
        required=False,
    ),
)
