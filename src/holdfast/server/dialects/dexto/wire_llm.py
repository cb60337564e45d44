"""Models and their providers, as Dexto's clients send them and read them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from holdfast.core.domain.own_models import ModelName
from holdfast.server.dialects.dexto.wire import (
    Effort,
    FileType,
    Flag,
    ProviderName,
    Said,
    Sent,
    StrictSent,
    absent,
)
from holdfast.server.dialects.dexto.zod import checked_url, custom_issue, number, zod_error


def _not_null(expected: str) -> BeforeValidator:
    """Returns what refuses null for a value that may be left out."""

    def check(value: Any) -> Any:
        if value is None:
            said = {"code": "invalid_type", "expected": expected, "received": "null"}
            raise zod_error({**said, "message": f"Expected {expected}, received null"})
        return value

    return BeforeValidator(check)


Url = Annotated[str, AfterValidator(checked_url)]
Count = Annotated[int, Field(gt=0, le=2**53), BeforeValidator(number)]
Window = Annotated[int, Field(gt=0, le=100_000_000), BeforeValidator(number)]
MediaTypes = Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=100)]
TEXT, NUMBER = _not_null("string"), _not_null("number")
QueryFlag = Literal["true", "false", "1", "0"]
CustomProvider = Literal[
    "openai-compatible", "openrouter", "litellm", "glama", "bedrock", "ollama", "local", "vertex", "dexto"
]


class CurrentQuery(StrictSent):
    session_id: str = ""


class Config(Said):
    """What runs are asked of which model. The key is never among it."""

    provider: ProviderName
    model: str
    max_iterations: int | None = absent()
    base_url: str | None = absent("baseURL")
    max_input_tokens: int | None = absent()
    max_output_tokens: int | None = absent()
    temperature: float | None = absent()
    allowed_media_types: list[str] | None = absent()
    reasoning_effort: Effort | None = absent()
    has_api_key: bool | None = absent()


class CurrentConfig(Config):
    display_name: str | None = absent()


class Routing(Said):
    via_dexto: Literal[False] = False


class Current(Said):
    config: CurrentConfig
    routing: Routing = Routing()


class CatalogQuery(StrictSent):
    """Several providers are joined by commas, or given one by one."""

    scope: Literal["curated", "all"] = "all"
    provider: str = ""
    include_models: QueryFlag = "true"
    has_key: QueryFlag | None = None
    file_type: FileType | None = None
    default_only: QueryFlag = "false"
    mode: Literal["grouped", "flat"] = "grouped"


class Pricing(Said):
    """In dollars for a million tokens."""

    input_per_m: float
    output_per_m: float
    cache_read_per_m: float | None = absent()
    cache_write_per_m: float | None = absent()
    currency: Literal["USD"] = "USD"
    unit: Literal["per_million_tokens"] = "per_million_tokens"


class CatalogModel(Said):
    name: str
    max_input_tokens: int
    default: bool | None = absent()
    supported_file_types: list[FileType]
    display_name: str | None = absent()
    pricing: Pricing | None = absent()


class FlatModel(CatalogModel):
    provider: ProviderName


class ProviderCatalog(Said):
    name: str
    has_api_key: bool
    primary_env_var: str
    supports_base_url: bool = Field(alias="supportsBaseURL")
    models: list[CatalogModel]
    supported_file_types: list[FileType]


class Catalog(Said):
    """By provider, or with `mode=flat` one list of models."""

    providers: dict[ProviderName, ProviderCatalog] | None = absent()
    models: list[FlatModel] | None = absent()


class SwitchBody(Sent):
    """What is to change; what is left out stays."""

    provider: Annotated[ProviderName | None, TEXT] = None
    model: Annotated[Annotated[str, Field(min_length=1, max_length=300)] | None, TEXT] = None
    api_key: Annotated[Annotated[str, Field(min_length=1, max_length=8_192)] | None, TEXT] = None
    max_iterations: Annotated[Count | None, NUMBER] = None
    base_url: Annotated[Url | None, TEXT] = Field(default=None, alias="baseURL")
    max_input_tokens: Annotated[Count | None, NUMBER] = None
    max_output_tokens: Annotated[Count | None, NUMBER] = None
    temperature: Annotated[float, Field(ge=0, le=1), BeforeValidator(number)] | None = None
    allowed_media_types: Annotated[MediaTypes | None, _not_null("array")] = None
    reasoning_effort: Annotated[Effort | None, TEXT] = None
    session_id: Annotated[str | None, TEXT] = None

    @model_validator(mode="after")
    def _names_something(self) -> SwitchBody:
        if self.provider is None and self.model is None:
            raise zod_error(custom_issue("At least model or provider must be specified for LLM switch"))
        return self


class Switched(Said):
    config: Config
    session_id: str | None = absent()


class CustomModelBody(Sent):
    """A model of one's own."""

    name: ModelName
    provider: CustomProvider = "openai-compatible"
    base_url: Annotated[Url | None, TEXT] = Field(default=None, alias="baseURL")
    display_name: Annotated[Annotated[str, Field(max_length=200)] | None, TEXT] = None
    max_input_tokens: Annotated[Window | None, NUMBER] = None
    max_output_tokens: Annotated[Window | None, NUMBER] = None
    api_key: Annotated[Annotated[str, Field(max_length=8_192)] | None, TEXT] = None
    file_path: Annotated[Annotated[str, Field(max_length=4_096)] | None, TEXT] = None
    reasoning_effort: Annotated[Effort | None, TEXT] = None

    @model_validator(mode="after")
    def _has_what_its_provider_needs(self) -> CustomModelBody:
        if self.provider in ("openai-compatible", "litellm") and not self.base_url:
            raise zod_error(custom_issue(f"Base URL is required for {self.provider} models", "baseURL"))
        path = self.file_path or ""
        if self.provider == "local" and not path:
            raise zod_error(custom_issue("File path is required for local models", "filePath"))
        if self.provider == "local" and not path.lower().endswith(".gguf"):
            raise zod_error(custom_issue("File path must end with .gguf", "filePath"))
        return self


class CustomModel(Said):
    name: str
    provider: CustomProvider
    base_url: str | None = absent("baseURL")
    display_name: str | None = absent()
    max_input_tokens: int | None = absent()
    max_output_tokens: int | None = absent()
    api_key: Literal["[REDACTED]"] | None = absent()
    """There where a key is kept."""
    file_path: str | None = absent()
    reasoning_effort: Effort | None = absent()


class CustomModels(Said):
    models: list[CustomModel]


class CustomModelSaved(Said):
    ok: Literal[True] = True
    model: CustomModel


class CustomModelDeleted(Said):
    ok: Literal[True] = True
    deleted: str


class CapabilitiesQuery(Sent):
    provider: ProviderName
    model: Annotated[str, Field(min_length=1, max_length=300)]


class Capabilities(Said):
    provider: ProviderName
    model: str
    supported_file_types: list[FileType]


class ProviderPath(Sent):
    provider: ProviderName


class KeyStatus(Said):
    provider: ProviderName
    env_var: str
    has_key: bool
    key_value: str | None = absent()
    """Its beginning and its end."""


class KeyBody(Sent):
    provider: ProviderName
    api_key: Annotated[str, Field(min_length=1)]


class KeySaved(Said):
    ok: Literal[True] = True
    provider: ProviderName
    env_var: str


# --- OpenRouter


class OpenRouterInfo(Said):
    context_length: int


class OpenRouterModel(Said):
    """What is known of a model at OpenRouter: from the table that is installed, nobody is asked."""

    valid: bool
    model_id: str
    status: Literal["valid", "invalid", "unknown"]
    error: str | None = absent()
    info: OpenRouterInfo | None = absent()


class Refreshed(Said):
    ok: Literal[True] = True
    message: str


# --- models in files, and Ollama


class LocalModel(Said):
    id: str
    display_name: str
    file_path: str
    size_bytes: int
    context_length: int | None = absent()
    source: Literal["huggingface", "manual"] = "manual"


class LocalModels(Said):
    models: list[LocalModel]


class OllamaQuery(Sent):
    base_url: Annotated[Url | None, TEXT] = Field(default=None, alias="baseURL")


class OllamaModel(Said):
    name: str
    size: int | None = absent()
    digest: str | None = absent()
    modified_at: str | None = absent()


class OllamaModels(Said):
    available: bool
    version: str | None = absent()
    models: list[OllamaModel]
    error: str | None = absent()


class FileBody(Sent):
    file_path: Annotated[str, Field(min_length=1)]


class FileChecked(Said):
    valid: bool
    size_bytes: int | None = absent()
    error: str | None = absent()


class DeleteLocalBody(Sent):
    delete_file: Flag = True


class LocalDeleted(Said):
    success: Literal[True] = True
    model_id: str
    file_deleted: bool
