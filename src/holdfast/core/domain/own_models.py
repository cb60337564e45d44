"""Models of one's own: on a server that somebody runs, behind a gateway, or in a file of this machine."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import AwareDatetime, Field

from holdfast.core.domain.ext import Ext
from holdfast.core.domain.models import Effort, ModelInfo
from holdfast.core.domain.values import Value

OWN = "own"
"""Stands before the name of a model of one's own that something else runs: `own/NAME`."""
LOCAL = "local"
"""Stands before the name of a model whose file is on the engine's machine: `local/NAME`."""

OwnKind = Literal["server", "ollama", "provider", "file"]
ModelName = Annotated[
    str,
    Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9 ._:/@+()-]*[A-Za-z0-9._:)+-])?$"),
]


class OwnModel(Value):
    """A model that a person has added. Its key is kept elsewhere and never shown."""

    name: ModelName
    """Without what stands before it; the only one of its name."""
    id: str = ""
    """Made when it is kept for the first time."""
    kind: OwnKind
    """`server`: whatever speaks OpenAI's API, at `url`; `ollama`: an Ollama; `provider`: a model of a known
    provider, with a key or limits of its own; `file`: a GGUF file, run by a process of the engine's."""
    model: str = Field(default="", max_length=300)
    """As the server calls it, or with its provider as `openrouter/VENDOR/MODEL`; empty: as its name."""
    url: str = Field(default="", max_length=2_000)
    """Of the server; of an Ollama, empty: the one that is used otherwise."""
    path: str = Field(default="", max_length=4_096)
    """Of the file."""
    display_name: str = Field(default="", max_length=200)
    """What people are shown instead of the name."""
    context_window: int | None = Field(default=None, gt=0, le=100_000_000)
    """In tokens; of a file, what it is run with: what the file says at most."""
    max_output_tokens: int | None = Field(default=None, gt=0, le=100_000_000)
    reasoning_effort: Effort | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    """Where neither the agent nor the run says another one; so is `top_p`."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    key_of: str = Field(default="", max_length=64)
    """The provider whose key a server gets while the model has none of its own; empty: it gets none."""
    has_key: bool = False
    """Whether a key is kept for it. What is sent of this does not count."""
    key_shown: str = Field(default="", max_length=40)
    """What may be shown of its key. What is sent of this does not count."""
    private: bool = False
    """Whether only the user who keeps it has it; else it is the engine's, for all users. What is sent of this
    does not count."""
    anywhere: bool = False
    """Of a private one: whether its address may be in a private network, for an administrator keeps it. What
    is sent of this does not count."""
    changed_at: AwareDatetime | None = None
    """When it was kept last. What is sent of this does not count, nor of the next."""
    created_at: AwareDatetime | None = None
    """When it was kept first; None for what is older than the engine's version that says so."""
    ext: Ext = Field(default={})
    """What other systems' clients keep of it."""

    @property
    def full_name(self) -> str:
        """What agents, sessions and runs call it."""
        return f"{LOCAL if self.kind == 'file' else OWN}/{self.name}"


class ModelFile(Value):
    """What the head of a GGUF file says, and its size."""

    path: str
    size_bytes: int
    architecture: str = ""
    title: str = ""
    """The name that its maker gave it."""
    context_length: int | None = None
    """In tokens: what the model was made for."""
    has_template: bool = False
    """Whether it says how a conversation is put to it."""
    takes_tools: bool = False
    """Whether its template for conversations has a place for tools."""


class OwnModelState(Value):
    """A model of one's own with what is known of its file."""

    model: OwnModel
    file: ModelFile | None = None
    """None for what is no file, and for one that cannot be read."""
    problem: str = ""
    """What is wrong with the file."""


class AddedModel(Value):
    """What became of a model that was to be added."""

    model: OwnModel
    added: bool
    """False where one with the same address, model and key was kept already: that one is told."""


class Tried(Value):
    """What a model made of one thing that it was asked to do."""

    supported: bool
    response: str = Field(default="", max_length=2_000)
    """What it said, or why nothing came of it."""


class OwnModelCheck(Value):
    """What a model can do, found out by asking it. None for what it was not asked."""

    url: str = ""
    model: str = ""
    """As its server calls it."""
    connection: Tried
    images: Tried | None = None
    """Whether it sees what is in an image."""
    structured: Tried | None = None
    """Whether it answers in JSON of a schema."""


Ability = Literal["images", "structured"]
"""What a check may ask beside the connection."""


class Forgotten(Value):
    """What became of a model of one's own that was removed."""

    name: str
    file_deleted: bool = False


class OllamaModel(Value):
    """A model that an Ollama has."""

    name: str
    size_bytes: int | None = None
    digest: str = ""
    modified_at: AwareDatetime | None = None


class OllamaServer(Value):
    """What an Ollama says of itself."""

    url: str
    available: bool
    version: str = ""
    models: tuple[OllamaModel, ...] = ()
    problem: str = ""
    """Why it is not available."""


class ModelLookup(Value):
    """What is known of a model by its name alone."""

    model: str
    state: Literal["known", "not_known", "undecided"]
    """`known`: the table of models has it; `not_known`: the table has its maker's models, and not this one;
    `undecided`: the table does not have that maker."""
    info: ModelInfo | None = None
    """Of the model itself, also where it is asked for through a gateway."""
    message: str = ""


class OwnModelDesk(Protocol):
    """Keeps models of one's own. All of it may wait for files and servers: call it from a thread."""

    def all(self, owner: str = "") -> tuple[OwnModel, ...]:
        """Returns the engine's by name, or those that `owner`, the id of a user, alone has. Raises
        `InvalidError` for a file with a mistake."""
        ...

    def state(self, model: OwnModel) -> OwnModelState: ...

    def keep(self, model: OwnModel, key: str | None, owner: str = "", *, anywhere: bool = False) -> OwnModel:
        """Adds a model, or replaces the one of its name; key None: the one that is kept stays, as long as it
        goes to the same server or provider. With `owner` only that user has it, and `anywhere` says whether
        its address may be in a private network. Raises `InvalidError`, `NotFoundError` for a file that is not
        there, `ConflictError` (`too_many_models`)."""
        ...

    def add(self, model: OwnModel, key: str, owner: str, *, anywhere: bool = False) -> AddedModel:
        """Adds a model that only `owner` has, by the name, or the name with a number, that is free; one with
        the same address, model and key is told instead. Raises as `keep`."""
        ...

    def key(self, model: OwnModel, owner: str = "") -> str | None:
        """Returns the key of the kept model of this id, while it goes where that one goes; None: it has
        none."""
        ...

    def forget(self, name: str, owner: str = "", *, file: bool) -> bool:
        """Removes a model with its key, with `file` also what it is in; says whether that was deleted. Raises
        `NotFoundError`, `ForbiddenError` for a file that cannot be deleted; the model stays then."""
        ...

    def forget_user(self, owner: str) -> None:
        """Removes what only `owner` had, with the keys."""
        ...

    def check_file(self, path: str) -> ModelFile:
        """Raises `InvalidError`, `NotFoundError`, `ForbiddenError`."""
        ...

    def ollama(self, url: str | None) -> OllamaServer:
        """Raises `InvalidError` for what is no address."""
        ...

    def look_up(self, model: str, owner: str = "") -> ModelLookup: ...
