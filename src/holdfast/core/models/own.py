"""Models of one's own: kept in a file of the home, their keys with the secrets."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from holdfast.core.config.private import write_private
from holdfast.core.domain.errors import (
    ConflictError,
    ForbiddenError,
    HoldfastError,
    InvalidError,
    ModelNotFound,
    NotFoundError,
)
from holdfast.core.domain.models import ModelInfo, ModelRequest
from holdfast.core.domain.own_models import (
    LOCAL,
    OWN,
    AddedModel,
    ModelFile,
    ModelLookup,
    OllamaServer,
    OwnModel,
    OwnModelState,
)
from holdfast.core.domain.text import shorten
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.models.credentials import Addresses, Keys
from holdfast.core.models.gateways import GATEWAY, knows_maker, underlying
from holdfast.core.models.gguf import MAGIC, check_path, read_head
from holdfast.core.models.prices import Facts, facts_table
from holdfast.core.models.providers import CUSTOM, PROVIDERS, provider_of
from holdfast.core.models.served import checked_url, ollama_server

MAX_MODELS = 1_000
MAX_PRIVATE = 100
"""Of one user."""
DEFAULT_WINDOW = 16_384
"""Tokens that a file's model is run with where nothing says more: the memory it takes grows with them."""
ASK_S = 3.0
"""Longest wait for an Ollama that a person asks for, in seconds."""
_MODELS: TypeAdapter[tuple[OwnModel, ...]] = TypeAdapter(tuple[OwnModel, ...])


class Secrets(Protocol):
    """Where keys are kept, by the id of the model."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, secret: str) -> object: ...

    def remove(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Resolved:
    """A call to a model of one's own, as what runs it is asked. The key is not shown when this is printed."""

    request: ModelRequest
    key: str | None
    given: bool
    """Whether the key is the model's own, or none; else the provider's own is used."""
    guarded: bool = False
    """Whether it may reach public addresses only: a user who is no administrator has said where it goes."""

    def __repr__(self) -> str:
        return f"Resolved({self.request.model!r})"


class OwnModels:
    """Implements `OwnModelDesk`. All of it may block on files: call it from a thread."""

    def __init__(
        self,
        file: Path,
        secrets: Secrets,
        addresses: Addresses,
        keys: Keys = lambda provider: None,
        *,
        private: Callable[[str], Path] | None = None,
    ) -> None:
        """`file` has the engine's; `private` says where those that a user alone has are, by his id: default,
        a folder beside it. `keys` returns the keys of providers, for models that use one."""
        self._file = file
        self._private = private or (lambda owner: file.with_suffix("") / f"{owner}.json")
        self._secrets = secrets
        self._keys = keys
        self._addresses = addresses
        self._lock = threading.Lock()
        self._heads: dict[tuple[str, int, int], ModelFile] = {}

    # --- what is kept

    def all(self, owner: str = "") -> tuple[OwnModel, ...]:
        """See `OwnModelDesk`."""
        file = self._place(owner)
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            return ()
        try:
            return _MODELS.validate_json(text)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, wrong["loc"]))
            raise InvalidError(
                f"{file} has a mistake ({place}: {wrong['msg']}). Mend it, or delete it to begin anew.",
                code="invalid_own_models",
            ) from None

    def _place(self, owner: str) -> Path:
        return self._private(owner) if owner else self._file

    def keep(self, model: OwnModel, key: str | None, owner: str = "", *, anywhere: bool = False) -> OwnModel:
        """See `OwnModelDesk`."""
        checked = self._checked(model, owner)
        if key is not None:
            key = checked_key(key)
        with self._lock:
            return self._keep(checked, key, owner, anywhere)

    def add(self, model: OwnModel, key: str, owner: str, *, anywhere: bool = False) -> AddedModel:
        """See `OwnModelDesk`."""
        checked, key = self._checked(model, owner), checked_key(key)
        with self._lock:
            mine = self.all(owner)
            same = next((each for each in mine if self._is(each, checked, key)), None)
            if same is not None:
                return AddedModel(model=same, added=False)
            taken = {each.name for each in (*mine, *self.all())}
            name = next(name for name in _numbered(checked.name) if name not in taken)
            kept = self._keep(checked.model_copy(update={"name": name}), key, owner, anywhere)
        return AddedModel(model=kept, added=True)

    def _is(self, kept: OwnModel, model: OwnModel, key: str) -> bool:
        asked = (model.kind, model.url, model.model or model.name)
        if (kept.kind, kept.url, kept.model or kept.name) != asked:
            return False
        return (self._secrets.get(kept.id) if kept.has_key else "") == key

    def _keep(self, model: OwnModel, key: str | None, owner: str, anywhere: bool) -> OwnModel:
        before = self.all(owner)
        old = next((each for each in before if each.name == model.name), None)
        rest = [each for each in before if each.name != model.name]
        if len(rest) >= (MAX_PRIVATE if owner else MAX_MODELS):
            raise ConflictError(f"There are {len(rest)} models already.", code="too_many_models")
        id = old.id if old is not None else new_id()
        has, shown = (old.has_key, old.key_shown) if old is not None else (False, "")
        if key is None and old is not None and has and _asked(old) != _asked(model):
            key = ""  # it was given for somebody else
        if key:
            self._secrets.set(id, key)
        elif key is not None and has:
            self._secrets.remove(id)
        if key is not None:
            has, shown = bool(key), _shown(key)
        now = utc_now()
        said = {"id": id, "has_key": has, "key_shown": shown, "private": bool(owner)}
        when = {"created_at": now if old is None else old.created_at, "changed_at": now}
        kept = model.model_copy(update={**said, **when, "anywhere": bool(owner) and anywhere})
        self._write([*rest, kept], owner)
        return kept

    def key(self, model: OwnModel, owner: str = "") -> str | None:
        """See `OwnModelDesk`."""
        kept = next((each for each in self.all(owner) if each.id == model.id), None)
        if kept is None or not kept.has_key or _asked(kept) != _asked(self._checked(model, owner)):
            return None
        return self._secrets.get(kept.id)

    def forget(self, name: str, owner: str = "", *, file: bool) -> bool:
        """See `OwnModelDesk`."""
        with self._lock:
            before = self.all(owner)
            found = next((each for each in before if each.name == name), None)
            if found is None:
                raise _not_kept(name)
            deleted = file and found.kind == "file" and _delete(Path(found.path))
            if found.has_key:
                self._secrets.remove(found.id)
            self._write([each for each in before if each.name != name], owner)
        return deleted

    def forget_user(self, owner: str) -> None:
        """See `OwnModelDesk`."""
        with self._lock:
            for each in self.all(owner):
                if each.has_key:
                    self._secrets.remove(each.id)
            self._place(owner).unlink(missing_ok=True)

    def _write(self, models: list[OwnModel], owner: str) -> None:
        models.sort(key=lambda each: each.name)
        text = _MODELS.dump_json(tuple(models), indent=1, exclude_defaults=True) + b"\n"
        write_private(self._place(owner), text)

    def _checked(self, model: OwnModel, owner: str) -> OwnModel:
        """Returns a model with its address and path as they are used. Raises as `keep`."""
        url = checked_url(model.url) if model.url else ""
        wrong = ""
        if model.kind == "server" and not url:
            wrong = "A model on a server needs the server's address, such as http://127.0.0.1:8080/v1."
        elif model.kind == "provider" and (url or not model.model):
            wrong = "A model of a provider is named with it, as openrouter/VENDOR/MODEL, and has no address."
        elif model.kind == "file" and (url or model.model):
            wrong = "A model in a file has a path, and neither an address nor another name."
        elif model.kind != "file" and model.path:
            wrong = "Only a model in a file has a path."
        elif owner and (model.kind == "file" or model.key_of):
            wrong = "A model that one user alone has is in no file of the engine's, and has a key of its own."
        if wrong:
            raise InvalidError(wrong, code="invalid_own_model")
        path = self.check_file(model.path).path if model.kind == "file" else ""
        return model.model_copy(update={"url": url, "path": path})

    # --- files and servers

    def check_file(self, path: str) -> ModelFile:
        """See `OwnModelDesk`."""
        return self._head(check_path(path))

    def _head(self, file: Path) -> ModelFile:
        status = file.stat()
        key = (str(file), status.st_mtime_ns, status.st_size)
        head = self._heads.get(key)
        if head is None:
            head = read_head(file)
            kept = {} if len(self._heads) >= MAX_MODELS else self._heads
            self._heads = {**kept, key: head}
        return head

    def state(self, model: OwnModel) -> OwnModelState:
        """See `OwnModelDesk`."""
        if model.kind != "file":
            return OwnModelState(model=model)
        try:
            return OwnModelState(model=model, file=self.check_file(model.path))
        except HoldfastError as error:
            return OwnModelState(model=model, problem=error.message)

    def ollama(self, url: str | None) -> OllamaServer:
        """See `OwnModelDesk`."""
        at = checked_url(url) if url else self._addresses.of("ollama") or ""
        if not at:
            return OllamaServer(url="", available=False, problem="No address of an Ollama is known.")
        return ollama_server(at, ASK_S)

    def look_up(self, model: str, owner: str = "") -> ModelLookup:
        """See `OwnModelDesk`."""
        if model.startswith((f"{OWN}/", f"{LOCAL}/")):
            own = self.find(model, owner)
            info = self.info(own) if own is not None else None
            return ModelLookup(model=model, state="known" if info else "not_known", info=info)
        found = underlying(model)
        if found is not None:
            info = info_of(found, available=True)
            if found.provider not in PROVIDERS:  # it is known from a gateway that cannot be asked from here
                info = info.model_copy(update={"name": model})
            return ModelLookup(model=model, state="known", info=info)
        if not facts_table():
            return ModelLookup(model=model, state="undecided", message="There is no table of models here.")
        vendor, slash, rest = model.removeprefix(f"{GATEWAY}/").partition("/")
        if not (vendor and slash and rest):
            words = "The name is not of the form VENDOR/MODEL, and no model of the table is called so."
            return ModelLookup(model=model, state="not_known", message=words)
        if knows_maker(vendor):
            words = f"The table of models that is installed has models of {vendor}, and not this one."
            return ModelLookup(model=model, state="not_known", message=words)
        words = f"The table of models that is installed has nothing of {vendor}."
        return ModelLookup(model=model, state="undecided", message=words)

    # --- what runs ask for

    def find(self, full_name: str, owner: str = "") -> OwnModel | None:
        """Returns the model that is called so, with `own/` or `local/` before its name: of `owner`, a user's
        id, before the engine's."""
        mine = self.all(owner) if owner else ()
        return next((each for each in (*mine, *self.all()) if each.full_name == full_name), None)

    def get(self, full_name: str, owner: str = "") -> OwnModel:
        """Returns the model that is called so. Raises `ModelNotFound`."""
        found = self.find(full_name, owner)
        if found is None:
            raise ModelNotFound(
                f"No model of your own is called {full_name!r}: `holdfast models own` shows them",
                details={"model": full_name},
            )
        return found

    def infos(self, owner: str = "") -> tuple[ModelInfo, ...]:
        """Returns what is known of the engine's and of those of `owner`; nothing of a file of them that has a
        mistake."""
        found: dict[str, OwnModel] = {}
        for whose in dict.fromkeys((owner, "")):
            with suppress(InvalidError):
                found = {each.full_name: each for each in self.all(whose)} | found
        return tuple(self.info(found[name]) for name in sorted(found))

    def info_called(self, full_name: str, owner: str = "") -> ModelInfo:
        """Returns what is known of the model that is called so. Raises `ModelNotFound`."""
        return self.info(self.get(full_name, owner))

    def info(self, model: OwnModel) -> ModelInfo:
        """Returns what is known of a model of one's own."""
        if model.kind == "file":
            return self._file_info(model)
        known = underlying(model.model) if model.kind == "provider" else None
        base = (
            info_of(known, available=True)
            if known is not None
            else ModelInfo(name=model.full_name, provider=OWN, takes_images=True)
        )
        if model.kind == "provider" and provider_of(model.model) is None:
            provider = shorten(model.model.partition("/")[0], 80)
            base = base.model_copy(update={"available": False, "note": f"no provider is called {provider}"})
        free = {"input_usd_per_million": 0.0, "output_usd_per_million": 0.0} if model.kind == "ollama" else {}
        return base.model_copy(
            update={
                **free,
                "name": model.full_name,
                "provider": OWN,
                "context_window": model.context_window or base.context_window,
                "max_output_tokens": model.max_output_tokens or base.max_output_tokens,
                "note": base.note or model.display_name or _NOTES[model.kind],
            }
        )

    def _file_info(self, model: OwnModel) -> ModelInfo:
        state = self.state(model)
        return ModelInfo(
            name=model.full_name,
            provider=LOCAL,
            context_window=window_of(model, state.file),
            max_output_tokens=model.max_output_tokens,
            input_usd_per_million=0.0,
            output_usd_per_million=0.0,
            takes_tools=state.file is not None and state.file.takes_tools,
            available=state.file is not None,
            note=state.problem or model.display_name or _NOTES["file"],
        )

    def resolved(self, request: ModelRequest) -> Resolved:
        """Returns the call that stands behind one to `own/NAME`. Raises `ModelNotFound`."""
        own = self.get(request.model, request.owner)
        return self.resolved_as(own, request, self._secrets.get(own.id) if own.has_key else None)

    def resolved_as(self, own: OwnModel, request: ModelRequest, key: str | None) -> Resolved:
        """Returns the call that a model stands for, which need not be kept, with this key."""
        name = own.model or own.name
        if key is None and own.key_of and own.kind == "server" and not own.private:
            key = self._keys(own.key_of)
        settings = request.settings.model_copy(
            update={
                # Never what an agent's file says: the model's key would go there.
                "api_base": own.url or None,
                "max_output_tokens": request.settings.max_output_tokens or own.max_output_tokens,
                "reasoning_effort": request.settings.reasoning_effort or own.reasoning_effort,
                "temperature": _first(request.settings.temperature, own.temperature),
                "top_p": _first(request.settings.top_p, own.top_p),
            }
        )
        if own.kind == "ollama":
            model, given = f"ollama_chat/{name}", True
        elif own.kind == "provider":
            model, given = name, key is not None
        else:
            model, given = f"{CUSTOM}/{name}", True
        made = request.model_copy(update={"model": model, "settings": settings, "owner": ""})
        return Resolved(made, key, given, guarded=own.private and bool(own.url) and not own.anywhere)


_NOTES = {
    "server": "on a server of your own",
    "ollama": "through an Ollama of your own",
    "provider": "with a key or limits of its own",
    "file": "in a file of this machine",
}


def window_of(model: OwnModel, file: ModelFile | None) -> int:
    """Returns the tokens that a file's model is run with."""
    most = file.context_length if file is not None else None
    wanted = model.context_window or DEFAULT_WINDOW
    return min(wanted, most) if most else wanted


def info_of(found: Facts, available: bool) -> ModelInfo:
    """Returns what the table says of a model."""
    return ModelInfo(
        name=found.name,
        provider=found.provider,
        context_window=found.context_window,
        max_output_tokens=found.max_output_tokens,
        input_usd_per_million=found.input_usd_per_million,
        output_usd_per_million=found.output_usd_per_million,
        cache_read_usd_per_million=found.cache_read_usd_per_million,
        cache_write_usd_per_million=found.cache_write_usd_per_million,
        takes_images=found.images,
        takes_pdf=found.pdf,
        takes_tools=found.tools,
        available=available,
        default=found.provider in PROVIDERS and PROVIDERS[found.provider].default_model == found.name,
    )


def _asked(model: OwnModel) -> tuple[str, ...]:
    """Returns who gets the key of a model."""
    place = urlsplit(model.url)
    provider = model.model.partition("/")[0] if model.kind == "provider" else ""
    return model.kind, place.scheme, place.netloc.lower(), provider


def checked_key(key: str) -> str:
    """Returns a key as it is sent: in a header, which takes no other characters. Raises `InvalidError`."""
    key = key.strip()
    if len(key) > 8_192 or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidError("A key has letters, digits and signs of ASCII, and no spaces.", code="invalid_key")
    return key


def _shown(key: str) -> str:
    """Returns what may be shown of a key: of a short one, nothing."""
    return "" if not key else "..." if len(key) < 12 else f"{key[:4]}...{key[-4:]}"


def _numbered(name: str) -> Iterator[str]:
    return itertools.chain((name,), (f"{name}-{number}" for number in itertools.count(2)))


def _first(said: float | None, kept: float | None) -> float | None:
    return kept if said is None else said


def _not_kept(name: str) -> NotFoundError:
    return NotFoundError(f"No model of your own is called {name!r}.", code="own_model_not_found")


def _delete(path: Path) -> bool:
    """Deletes a model's file; one that is gone already was not deleted. Raises `ForbiddenError`."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:  # something else stands there now
                return False
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ForbiddenError(
            f"{path} cannot be deleted: {error.strerror}. The model is still kept.", code="file_not_deleted"
        ) from None
    return True
