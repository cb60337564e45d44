"""How each intent is carried out: a generator that yields calls, gets their results, and returns the answer.

The model keeps nothing between two steps: at each one the generator runs again from its start and is
fed the results that the conversation holds, so it must be deterministic.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from holdfast.core.domain.delegating import DELEGATE
from holdfast.core.domain.passages import quoted
from holdfast.core.domain.skills import LOAD_TOOL
from holdfast.core.models.planning import requests
from holdfast.core.models.planning.answers import HELP, code_block, listing, sources_list
from holdfast.core.models.planning.questions import answer
from holdfast.core.models.planning.reading import HIT, best_name, open_file, paths_in, source_of
from holdfast.core.models.planning.reports import Source, summarise
from holdfast.core.models.planning.steps import Call, Outcome, Script, Surroundings


def script_for(found: Sequence[requests.Intent], around: Surroundings) -> Script:
    """Returns the script that carries out the intents in order."""
    answers: list[str] = []
    for intent in found:
        answers.append((yield from _one(intent, around)))
    return "\n\n".join(a for a in answers if a)


def _one(intent: requests.Intent, around: Surroundings) -> Script:  # noqa: PLR0912 (a case an intent)
    match intent:
        case requests.Help():
            return HELP
        case requests.Unclear():
            return intent.hint
        case requests.Read():
            return (yield from _read(intent, around))
        case requests.ListFiles():
            return (yield from _list(intent))
        case requests.Search():
            return (yield from _search(intent, around))
        case requests.Write():
            return (yield from _write(intent.path, intent.content, f"Writing `{intent.path}`."))
        case requests.Edit():
            return (yield from _edit(intent))
        case requests.RunCommand():
            done = yield Call("run_command", {"command": intent.command}, f"Running `{intent.command}`.")
            return f"`{intent.command}` gave:\n\n{code_block(done.text)}"
        case requests.RunPython():
            done = yield Call("run_python", {"code": intent.code}, "Running the code.")
            return f"The code gave:\n\n{code_block(done.text)}"
        case requests.Fetch():
            return (yield from _fetch(intent, around))
        case requests.Ask():
            choices = {"choices": list(intent.choices)} if intent.choices else {}
            done = yield Call("ask_user", {"question": _as_question(intent.question), **choices})
            return f"Your answer: {done.text.strip()}"
        case requests.Plan():
            return (yield from _plan(intent))
        case requests.Summarise():
            return (yield from _summarise(intent, around))
        case requests.LoadSkill():
            return (yield from _load_skill(intent.name, around))
        case requests.Delegate():
            return (yield from _delegate(intent, around))
        case requests.Remember() | requests.Recall() | requests.AskDocuments() | requests.Question():
            return (yield from answer(intent, around))


def _read(intent: requests.Read, around: Surroundings) -> Script:
    attached = {s.name: s for s in around.attached}
    parts: list[str] = []
    for path in intent.paths:
        source = attached.get(path) or (yield from open_file(path, around))
        parts.append(f"`{source.name}`:\n\n{code_block(source.text)}{_noted(source)}")
    return "\n\n".join(parts)


def _delegate(intent: requests.Delegate, around: Surroundings) -> Script:
    if DELEGATE not in around.tools:
        return "This agent has no sub-agents. `subagents: [NAME]` in its file gives it some."
    arguments = {"agent": intent.agent, "task": intent.task}
    done = yield Call(DELEGATE, arguments, f"Handing this to {intent.agent}.")
    return f"{intent.agent} says:\n\n{quoted(done.text)}"


def _load_skill(name: str, around: Surroundings) -> Script:
    if LOAD_TOOL not in around.tools:
        return "This agent has no skills. `skills: [NAME]` in its file gives it some."
    done = yield Call(LOAD_TOOL, {"skill": name}, f"Loading the skill `{name}`.")
    return (
        f"The skill `{name}` says:\n\n{code_block(done.text)}\n\nI am no language model and cannot follow it."
    )


def _list(intent: requests.ListFiles) -> Script:
    arguments = {k: v for k, v in (("path", intent.path), ("pattern", intent.pattern)) if v}
    done = yield Call("list_files", arguments, "Looking which files there are.")
    return listing(done.text)


def _search(intent: requests.Search, around: Surroundings) -> Script:
    arguments: dict[str, Any] = {"pattern": intent.pattern}
    if intent.place:
        arguments["glob" if "*" in intent.place else "path"] = intent.place
    done = yield Call("search_files", arguments, f"Searching the files for `{intent.pattern}`.")
    hits = [m for line in done.text.splitlines() if (m := HIT.match(line))]
    if not hits:
        return done.text.strip() or f"`{intent.pattern}` stands in no file."
    names = list(dict.fromkeys(m[1] for m in hits))
    places = "1 line" if len(hits) == 1 else f"{len(hits)} lines"
    mark = {name: around.label(number) for number, name in enumerate(names, 1)}
    lines = [f"- `{m[1]}`, line {m[2]}: {m[3].strip()} [{mark[m[1]]}]" for m in hits[:40]]
    more = f"\n- … and {len(hits) - 40} more" if len(hits) > 40 else ""
    listed = "\n".join(lines) + more
    return f"{places} with `{intent.pattern}`:\n\n{listed}\n\n{sources_list(names, (), around.label)}"


def _write(path: str, content: str, say: str) -> Script:
    text = content if content.endswith("\n") else f"{content}\n"
    yield Call("write_file", {"path": path, "content": text}, say)
    return f"Written to `{path}`."


def _edit(intent: requests.Edit) -> Script:
    arguments: dict[str, Any] = {"path": intent.path, "old": intent.old, "new": intent.new}
    if intent.all:
        arguments["all"] = True
    yield Call("edit_file", arguments, f"Replacing the text in `{intent.path}`.")
    return f"Replaced {intent.old!r} with {intent.new!r} in `{intent.path}`."


def _fetch(intent: requests.Fetch, around: Surroundings) -> Script:
    done = yield Call("fetch_url", {"url": intent.url}, f"Fetching {intent.url}.")
    source = source_of(intent.url, done.text)
    if intent.save_to:
        return (yield from _write(intent.save_to, source.text, f"Saving the page to `{intent.save_to}`."))
    spoken = summarise(source, around.label(1)).spoken
    return f"From the page:\n\n{spoken}{_noted(source)}\n\n{sources_list([intent.url], (), around.label)}"


def _plan(intent: requests.Plan) -> Script:
    items = [{"text": text, "status": "pending"} for text in intent.items]
    yield Call("update_plan", {"items": items}, "Writing down the plan.")
    return "The plan:\n\n" + "\n".join(f"{i}. {text}" for i, text in enumerate(intent.items, 1))


def _summarise(intent: requests.Summarise, around: Surroundings) -> Script:
    sources = yield from _sources(intent, around)
    if not sources:
        return "I found no file that fits. Name it: summarise FILE and save a report to FILE."
    summaries = [summarise(source, around.label(number)) for number, source in enumerate(sources, 1)]
    spoken = "\n\n".join(
        s.spoken if len(sources) == 1 else f"`{source.name}`:\n\n{s.spoken}"
        for source, s in zip(sources, summaries, strict=True)
    )
    names = [s.name for s in sources]
    notes = "".join(_noted(s) for s in sources)
    if intent.target is None:
        return f"From {_quoted(names)}:\n\n{spoken}{notes}\n\n{sources_list(names, (), around.label)}"
    document = "\n".join(s.document for s in summaries)
    say = f"Writing what {_quoted(names)} says to `{intent.target}`."
    written = yield from _write(intent.target, document, say)
    return f"{written}\n\n{spoken}{notes}\n\n{sources_list(names, (), around.label)}"


def _sources(intent: requests.Summarise, around: Surroundings) -> Generator[Call, Outcome, list[Source]]:
    attached = {s.name: s for s in around.attached}
    if not intent.sources and attached:
        return list(attached.values())
    paths = list(intent.sources)
    if not paths:
        done = yield Call("list_files", {}, "Looking for the file that is meant.")
        best = best_name(intent.about, paths_in(done.text), but=intent.target)
        paths = [best] if best else []
    found: list[Source] = []
    for path in paths:
        found.append(attached.get(path) or (yield from open_file(path, around)))
    return found


def _noted(source: Source) -> str:
    return f"\n\n*{source.note}*" if source.note else ""


def _quoted(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _as_question(text: str) -> str:
    text = text.strip().rstrip(".?! ")
    return f"{text[:1].upper()}{text[1:]}?"
