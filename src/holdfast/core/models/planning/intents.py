"""What a message asks for, read from its words: explicit requests, else a question."""

from __future__ import annotations

import re

from holdfast.core.models.planning.requests import (
    Ask,
    AskDocuments,
    Delegate,
    Edit,
    Fetch,
    Help,
    Intent,
    ListFiles,
    LoadSkill,
    Plan,
    Question,
    Read,
    Recall,
    Remember,
    RunCommand,
    RunPython,
    Search,
    Summarise,
    Unclear,
    Write,
)

_I = re.IGNORECASE
_IS = re.IGNORECASE | re.DOTALL
_POLITE = re.compile(
    r"\A(?:(?:please|now|then|next|also|ok(?:ay)?|first|finally|and|kindly|"
    r"(?:can|could|would|will) you|i (?:want|need|would like) you to|let'?s)\b[,:]?\s+)+",
    _I,
)
_BARE_FILE = (
    r"[\w.~/-]*[\w-]\.[A-Za-z]\w{0,7}|(?:[\w.-]+/)*(?:README|LICENSE|CHANGELOG|Makefile|Dockerfile|NOTICE)"
)
_FILE = rf"(?:@?`([^`\n]+)`|@?\"([^\"\n]+)\"|@?'([^'\n]+)'|(?<![\w/:.~-])@?({_BARE_FILE})(?![\w/]|\.\w))"
_FILES = re.compile(_FILE)
_URL = re.compile(r"https?://[^\s<>`\"']+[^\s<>`\"'.,;:!?)]")
_NOT_FILES = frozenset({"e.g", "i.e", "etc", "vs"})

_HELP = re.compile(
    r"\A\W*(?:hi|hello|hey|hallo|good (?:morning|afternoon|evening|day)|greetings|help|"
    r"(?:hi |hello |hey )?(?:who|what) are you|what (?:can|do) you do|what is this|"
    r"how do(?:es)? (?:i|this|it) (?:start|work|use (?:this|it))|thanks?(?: you)?|thank you)"
    r"(?:\s+(?:there|holdfast|please|very much))?\W*\Z",
    _I,
)
_REMEMBER = re.compile(
    r"\A(?:remember|memori[sz]e|keep in mind|don'?t forget|make a (?:note|memory))\b[\s,:]*"
    r"(?:(?:that|of|about)\b[\s,:]*)?(?P<what>.+)\Z",
    _IS,
)
_RECALL = re.compile(
    r"\A(?:what (?:do|did|can|have) you (?:still )?(?:remember(?:ed)?|recall)|"
    r"do you (?:still )?(?:remember|recall)|recall|"
    r"(?:search|look in(?:to)?|check) (?:your|my|the) memor(?:y|ies)|"
    r"what(?:'s| is| do you have) in (?:your|my|the) memory)\b[\s,:]*"
    r"(?:(?:about|of|for|on|that)\b[\s,:]*)?(?P<what>.*?)\W*\Z",
    _IS,
)
_SKILL = re.compile(
    r"\A(?:load|use|show(?: me)?|open|read|follow)\s+(?:the\s+)?skill\s+"
    r"[`'\"]?(?P<name>[a-z0-9][a-z0-9_-]{0,63})[`'\"]?\W*\Z",
    _I,
)
_DELEGATE = re.compile(
    r"\A(?:delegate to|hand (?:it|this|work) to|ask|let)\s+(?:the\s+)?(?:sub-?)?(?:agent\s+)?"
    r"[`'\"]?(?P<agent>[a-z0-9][a-z0-9_-]{0,63})[`'\"]?\s*:\s*(?P<task>.+)\Z",
    _IS,
)
_DOCUMENTS = (
    r"(?:(?:the|my|our|your|all|of)\s+)+"
    r"(?:knowledge(?:\s+base)?|collections?|documents?|documentation|docs|library)"
)
_IN_DOCUMENTS = (
    re.compile(
        r"\A(?:search|ask|consult|check|look)\s+(?:(?:in|into|through)\s+)?"
        rf"{_DOCUMENTS}\b[\s,:]*(?:(?:for|about|on)\b[\s,:]*)?(?P<what>.+)\Z",
        _IS,
    ),
    re.compile(
        rf"\A(?:search|look|find)\s+(?:for\s+)?(?P<what>.+?)\s+in\s+{_DOCUMENTS}[\s.?!]*\Z",
        _IS,
    ),
)
_FENCE = re.compile(r"```(?:python|py)\s*\n(.*?)```", _IS)
_PYTHON = re.compile(
    r"\A(?:(?:run|execute)\s+(?:this\s+|the\s+)?)?python(?:\s+code)?\s*(?::|\s)\s*(.+)\Z", _IS
)
_RUN = re.compile(
    r"\A(?:run|execute)\s*:?\s+(?:the\s+)?(?:(?:shell\s+)?command\s*:?\s*)?(?:`([^`]+)`|\$?\s*(.+?))"
    r"(?:\s+(?:in the (?:shell|terminal|workspace)|for me|please))*\s*\Z",
    _IS,
)
_FETCH = re.compile(r"\b(?:fetch|open|get|download|read|visit|load|summari[sz]e|show)\b", _I)
_EDITS = (
    re.compile(
        rf"\b(?:replace|change|rename)\s+(?P<q1>[`'\"])(?P<old>.*?)(?P=q1)\s+(?:with|by|to|into)\s+"
        rf"(?P<q2>[`'\"])(?P<new>.*?)(?P=q2)\s+(?P<all>everywhere\s+)?in\s+(?:the\s+file\s+)?(?P<file>{_FILE})",
        _IS,
    ),
    re.compile(
        rf"\b(?:in|edit)\s+(?:the\s+file\s+)?(?P<file>{_FILE})\s*[,:;]?\s+(?:and\s+)?(?:please\s+)?"
        r"(?:replace|change)\s+(?P<all>(?:all|every)\s+)?(?P<q1>[`'\"])(?P<old>.*?)(?P=q1)\s+"
        r"(?:with|by|to|into)\s+(?P<q2>[`'\"])(?P<new>.*?)(?P=q2)",
        _IS,
    ),
)
_EVERYWHERE = re.compile(r"\b(?:everywhere|all (?:of them|occurrences)|every occurrence|replace all)\b", _I)
_WRITES = (
    re.compile(
        rf"\A(?:create|write|make|save)\s+(?:a\s+|the\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+)?"
        rf"(?P<file>{_FILE})\s+(?:with|containing|that says|saying)\s+(?:the\s+)?"
        r"(?:content|text|words?|line)?s?\s*:?\s*(?P<content>.+)\Z",
        _IS,
    ),
    re.compile(
        rf"\A(?:write|save|put)\s+(?:the\s+)?(?:text|words?|line)?\s*(?P<q>[`'\"])(?P<content>.*?)(?P=q)\s+"
        rf"(?:to|into|in|as)\s+(?:a\s+|the\s+)?(?:new\s+)?(?:file\s+)?(?P<file>{_FILE})\W*\Z",
        _IS,
    ),
)
_SUMMARY = re.compile(
    r"\b(?:summari[sz]e|summary|analy[sz]e|analysis|report|overview|key figures|statistics)\b", _I
)
_SAVE = re.compile(
    r"\b(?:to|into|in|as|at|called|named)\s+(?:a\s+|the\s+)?(?:new\s+)?(?:file\s+)?"
    rf"(?:called\s+|named\s+)?{_FILE}\W*\Z"
)
_SAVES = re.compile(r"\b(?:save|write|store|put|create|make|produce)\b", _I)
_READ = re.compile(r"\A(?:read|show|open|display|print|cat|view)\b(?:\s+me\b)?", _I)
_LIST = re.compile(
    r"\A(?:ls\b|(?:list|show)\s+(?:me\s+)?(?:all\s+)?(?:the\s+)?(?:my\s+)?(?P<kind>[\w.*-]+\s+)?files\b|"
    r"(?:what|which)\s+(?:\w+\s+)?files\b(?!.*\b(?:say|mention|contain|talk|about)\b)|list\s+(?:the\s+)?(?:folder|directory|workspace)\b|"
    r"what(?:'s| is) in (?:this|the|my) (?:folder|directory|workspace|project)\b)",
    _I,
)
_LIST_PLACE = re.compile(
    r"\b(?:in|under|of)\s+(?:the\s+)?(?:folder\s+|directory\s+)?[`'\"]?([\w./-]+/?)[`'\"]?", _I
)
_GLOB = re.compile(r"[\w./-]*\*[\w.*/-]*")
_SEARCH = re.compile(
    r"\A(?:search|grep|look|find)\s+(?:(?:in\s+|through\s+)?(?:the\s+|all\s+|my\s+)*(?:files|workspace|project)\s+)?"
    r"(?:for\s+)?(?:the\s+(?:word|text|pattern|phrase)\s+)?(?P<what>`[^`]+`|\"[^\"]+\"|'[^']+'|/.+?/|.+?)"
    r"(?:\s+in\s+(?P<place>\S+?))?(?:\s+in\s+(?:the\s+|all\s+|my\s+)*(?:files|workspace|project))?[\s.?!]*\Z",
    _IS,
)
_ASK = re.compile(r"\Aask\s+me\b[\s:,]*(?P<what>.+)\Z", _IS)
_CHOICES = re.compile(r"[(\[]\s*(?:choices?|options?)?\s*:?\s*([^()\[\]]+)[)\]]\s*\??\s*\Z", _I)
_WHETHER = re.compile(r"\b(?:whether|if|between)\b[^?]*?([\w.-]+)\s+(?:or|and)\s+([\w.-]+)\W*\Z", _I)
_PLAN = re.compile(r"\A(?:(?:make|write)\s+a\s+)?plan\b(?:\s+(?:for|to|of))?[\s:,]*(?P<what>.*)\Z", _IS)
_VERBS = r"(?:run|execute|read|show|list|search|grep|fetch|replace|edit|create|write|ask|summari[sz]e)\b"
_SPLIT = re.compile(
    rf"\s*;\s*|\s*\n+\s*(?:[-*]|\d+[.)])?\s*|,?\s+(?:and\s+)?then\s+|,?\s+and\s+(?={_VERBS})|\.\s+(?=(?:then\s+)?{_VERBS})",
    _I,
)
_UNFINISHED = {
    "edit": "Tell me the words: replace 'OLD' with 'NEW' in FILE.",
    "change": "Tell me the words: replace 'OLD' with 'NEW' in FILE.",
    "replace": "Tell me the words: replace 'OLD' with 'NEW' in FILE.",
    "write": "Tell me what to write: write 'TEXT' to FILE, or write a summary of FILE to FILE.",
    "create": "Tell me what to write: create FILE with the content: TEXT.",
    "remember": "Tell me what to keep: remember that …",
    "delete": "I delete nothing by myself; run `rm FILE` asks for it as a command.",
    "remove": "I delete nothing by myself; run `rm FILE` asks for it as a command.",
}
_SPECIAL = re.compile(r"[.^$*+?{}\[\]\\|()]")
_QUOTE = re.compile(r"[\"'`]")
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|(?<!\w)'[^'\n]*'(?!\w)", re.DOTALL)


MAX_REQUEST = 3000
"""A longer message is content more than request: only its beginning is searched for what it asks."""


def understand(text: str) -> list[Intent]:
    """Returns what `text` asks for, in order; one `Question` when it asks for nothing that is known."""
    text = text.strip()
    if len(text) > MAX_REQUEST:
        bare = _POLITE.sub("", text)
        return [_python(bare) or _write(bare) or _one(text[:MAX_REQUEST])]
    whole = _one(text)
    several = isinstance(whole, Write) and _is_between_quotes(text, whole.content)
    if (
        isinstance(whole, Write | RunPython | Ask | Plan | Remember | Recall) and not several
    ):  # their last part is free text
        return [whole]
    pieces = _pieces(text)
    if len(pieces) > 1:
        each = [_one(piece) for piece in pieces]
        if not any(isinstance(i, Question | Help | Unclear) for i in each):
            return each
    return [whole]


def _is_between_quotes(text: str, content: str) -> bool:
    """Says whether `content` reaches from within one quotation into another: `a" to x, write "b`."""
    quote = _QUOTE.search(content)
    return quote is not None and f"{quote[0]}{content}{quote[0]}" in text


def file_names(text: str) -> list[str]:
    """Returns the names of files that a text mentions, in order, each once."""
    names = (m[1] or m[2] or m[3] or m[4] for m in _FILES.finditer(_URL.sub(" ", text)))
    plain = (n.removeprefix("@").strip() for n in names)
    return list(dict.fromkeys(n for n in plain if _looks_like_file(n)))


def _looks_like_file(name: str) -> bool:
    return (
        bool(re.fullmatch(_BARE_FILE, name.rsplit("/", 1)[-1].replace(" ", "_")))
        and name.lower() not in _NOT_FILES
    )


def _pieces(text: str) -> list[str]:
    """Splits a text into requests; what stands in quotes is never split."""
    quoted: list[str] = []

    def hide(match: re.Match[str]) -> str:
        quoted.append(match[0])
        return f"\x00{len(quoted) - 1}\x00"

    masked = _QUOTED.sub(hide, text)
    parts = [re.sub(r"\x00(\d+)\x00", lambda m: quoted[int(m[1])], p) for p in _SPLIT.split(masked)]
    return [p.strip() for p in parts if p.strip()]


def _one(text: str) -> Intent:
    bare = _POLITE.sub("", text.strip())
    if _HELP.match(bare):
        return Help()
    for read in (
        _skill,
        _delegate,
        _memory,
        _documents,
        _python,
        _command,
        _fetch,
        _edit,
        _write,
        _summary,
        _plan,
        _ask,
        _list,
        _search,
        _read,
    ):
        found = read(bare)
        if found is not None:
            return found
    hint = _UNFINISHED.get(bare.split(" ", 1)[0].lower().rstrip(":,"))
    return Unclear(hint) if hint else Question(text, tuple(file_names(text)))


def _skill(text: str) -> Intent | None:
    match = _SKILL.match(text)
    return LoadSkill(match["name"].lower()) if match else None


def _delegate(text: str) -> Intent | None:
    match = _DELEGATE.match(text)
    return Delegate(match["agent"].lower(), match["task"].strip()) if match else None


def _memory(text: str) -> Intent | None:
    recalled = _RECALL.match(text)
    if recalled:
        return Recall(recalled["what"].strip())
    match = _REMEMBER.match(text)
    if match is None:
        return None
    what = match["what"].strip()
    return Recall(what.rstrip("? ")) if what.endswith("?") else Remember(_unquote(what))


def _documents(text: str) -> Intent | None:
    match = next((m for pattern in _IN_DOCUMENTS if (m := pattern.match(text))), None)
    return AskDocuments(_unquote(match["what"].strip())) if match else None


def _python(text: str) -> Intent | None:
    fence = _FENCE.search(text)
    if fence:
        return RunPython(fence[1])
    match = _PYTHON.match(text)
    return RunPython(match[1].strip().strip("`")) if match else None


def _command(text: str) -> Intent | None:
    match = _RUN.match(text)
    return RunCommand((match[1] or match[2]).strip()) if match else None


def _fetch(text: str) -> Intent | None:
    url = _URL.search(text)
    if url is None or not (_FETCH.search(text) or text == url[0]):
        return None
    rest = text[url.end() :]
    names = file_names(rest)
    return Fetch(url[0], names[-1] if names and re.search(r"\b(?:to|into|in|as)\b", rest) else None)


def _edit(text: str) -> Intent | None:
    for pattern in _EDITS:
        match = pattern.search(text)
        if match:
            everywhere = bool(match["all"] or _EVERYWHERE.search(text))
            return Edit(_name(match["file"]), match["old"], match["new"], everywhere)
    return None


def _write(text: str) -> Intent | None:
    for pattern in _WRITES:
        match = pattern.match(text)
        if match and _looks_like_file(_name(match["file"])):
            return Write(_name(match["file"]), _unquote(match["content"].strip()))
    return None


def _summary(text: str) -> Intent | None:
    if not _SUMMARY.search(_FILES.sub(" ", text)):
        return None
    names = file_names(text)
    saved = _SAVE.search(text.rstrip(" .!?"))
    target = None
    if saved and (_SAVES.search(text[: saved.start()]) or (saved[0].startswith("into") and len(names) > 1)):
        target = next((g for g in saved.groups() if g), "").removeprefix("@")
    if target is None and re.search(r"\b(?:save|write|store)\b", text, _I) and "report" in text.lower():
        target = "report.md"
    if not (
        names
        or saved
        or re.match(r"(?:summari[sz]e|analy[sz]e|write|make|create|give|report|save)\b", text, _I)
    ):
        return None
    return Summarise(tuple(n for n in names if n != target), target, text)


def _plan(text: str) -> Intent | None:
    match = _PLAN.match(text)
    if not match:
        return None
    what = match["what"].strip()
    _, colon, listed = what.partition(":")
    parts = re.split(r"\s*(?:\n+|;|,)\s*(?:and\s+|then\s+)*|\s+(?:and\s+)?then\s+", listed if colon else what)
    if len(parts) > 1:
        parts[-1:] = re.split(r"\s+and\s+", parts[-1])
    items = [re.sub(r"\A(?:[-*]|\d+[.)])\s*", "", p).strip(" .") for p in parts]
    found = tuple(i for i in items if i)
    if len(found) > 1:
        return Plan(found)
    subject = what.strip(" .:") or "the work"
    return Plan((f"Find what concerns {subject}", "Read it", "Write down the result"))


def _ask(text: str) -> Intent | None:
    match = _ASK.match(text)
    if not match:
        return None
    what = match["what"].strip()
    listed = _CHOICES.search(what)
    if listed:
        choices = re.split(r"\s*(?:,|/|\bor\b)\s*", listed[1])
        return Ask(what[: listed.start()].strip(), tuple(c for c in choices if c))
    either = _WHETHER.search(what)
    return Ask(what, (either[1].strip(), either[2].strip()) if either else ())


def _list(text: str) -> Intent | None:
    match = _LIST.match(text)
    if not match:
        return None
    rest = text[match.end() :]
    glob = _GLOB.search(text)
    kind = (match["kind"] or "").strip(". ").lower()
    suffix = {"markdown": "md", "python": "py", "text": "txt", "javascript": "js"}.get(kind, kind)
    pattern = glob[0] if glob else (f"*.{suffix}" if re.fullmatch(r"[a-z]\w{1,4}", suffix) else None)
    place = _LIST_PLACE.search(rest)
    here = place is None or place[1].lower() in {
        "this",
        "the",
        "my",
        "here",
        "workspace",
        "folder",
        "project",
    }
    return ListFiles(None if here or place is None else place[1].rstrip("/"), pattern)


def _search(text: str) -> Intent | None:
    if not re.match(r"(?:search|grep)\b|(?:look|find)\b.*?(?:\bfor\b|[`'\"])", text, _IS):
        return None
    match = _SEARCH.match(text)
    if not match:
        return None
    what = match["what"].strip()
    place = (match["place"] or "").strip("`'\",.") or None
    if len(what) > 2 and what.startswith("/") and what.endswith("/"):
        return Search(what[1:-1], place)
    bare = _unquote(what)
    return Search(bare if text[:4].lower() == "grep" else _SPECIAL.sub(r"\\\g<0>", bare), place)


def _read(text: str) -> Intent | None:
    names = file_names(text)
    match = _READ.match(text)
    return Read(tuple(names)) if match and names else None


def _name(text: str) -> str:
    return _unquote(text.removeprefix("@")).removeprefix("@")


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "`'\"" else text


_READERS = (
    *(_memory, _documents, _python, _command, _fetch, _edit, _write),
    *(_summary, _plan, _ask, _list, _search, _read),
)
"""What a request can be, in the order in which it is tried."""
