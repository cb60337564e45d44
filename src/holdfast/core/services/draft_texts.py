"""What a model is told that drafts, and what a draft is without one."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import Field

from holdfast.core.domain.drafts import MAX_PROMPT, AgentDraft, PromptDraft, PromptFindings, PromptSections
from holdfast.core.domain.options import Workflows
from holdfast.core.domain.passages import DATA_RULE, quoted
from holdfast.core.domain.text import sanitize_line, shorten
from holdfast.core.domain.values import Value

_NAME = 60
"""Characters of the name that a template gives."""
_READING = ("ask_user", "update_plan", "list_files", "read_file", "search_files")
"""What a template gives of the tools that there are: none of them changes anything."""


class DraftedAgent(Value, extra="ignore"):
    """What a model answers of an agent."""

    name: str = Field(min_length=1, max_length=200)
    description: str = Field(min_length=1, max_length=2_000)
    instructions: str = Field(min_length=1, max_length=50_000)
    tools: tuple[str, ...] = Field(default=(), max_length=500)
    workflows: Workflows = Field(default={})


class DraftedPrompt(Value, extra="ignore"):
    """What a model answers of a prompt."""

    sections: PromptSections
    findings: PromptFindings = PromptFindings()


class DraftedMessage(Value, extra="ignore"):
    """What a model answers of a message."""

    text: str = Field(min_length=1, max_length=MAX_PROMPT)


def is_chinese(language: str) -> bool:
    """Says whether a tag is one of Chinese."""
    return language.lower().replace("_", "-").split("-")[0] in ("zh", "cn")


def agent_system(language: str) -> str:
    """Returns what a model is told that drafts an agent."""
    return (
        "You design assistants that work with tools. From a description of what an assistant is for, you "
        f"write its configuration as one JSON object. {DATA_RULE} `name`: two to five words. `description`: "
        "one sentence for a list. `instructions`: its system prompt, complete, in Markdown: its role, how it "
        "goes about its work, how its answers look, and what it must not do. `tools`: only names from the "
        "list that is given, and only those that it needs. `workflows`: named lists of steps, for kinds of "
        "work that always go alike; else empty. All texts, but names of tools, are in the language "
        f"`{language}`."
    )


def agent_prompt(description: str, tools: Sequence[str]) -> str:
    """Returns what a model is asked for an agent."""
    listed = ", ".join(sanitize_line(name) for name in tools) or "none"
    return f"The tools that there are: {listed}\n\nWhat the assistant is for:\n\n{quoted(description)}"


def prompt_system(language: str) -> str:
    """Returns what a model is told that improves a prompt."""
    return (
        "You improve system prompts of assistants. You keep everything that a prompt demands, add nothing "
        f"that changes its purpose, and make it clear, ordered and complete. {DATA_RULE} Answer with one "
        "JSON object. `findings` says in a sentence each what the prompt says of these subjects as it is, "
        "and what is wrong with its language. `sections` are the improved prompt itself, in Markdown without "
        "headings: the role, the skills, guidance for tools, preferences for the content and the form of "
        "answers, terms, and constraints; a section that it does not need is empty. All texts are in the "
        f"language `{language}`."
    )


def prompt_prompt(text: str, goal: str) -> str:
    """Returns what a model is asked for a prompt."""
    aim = f"\n\nWhat is to be better:\n\n{quoted(goal)}" if goal.strip() else ""
    return f"The system prompt:\n\n{quoted(text)}{aim}"


def message_system(language: str | None) -> str:
    """Returns what a model is told that improves a message to an agent."""
    where = "its own language" if language is None else f"the language `{language}`"
    return (
        "You improve what people are about to say to an assistant: you make the request clear and complete, "
        "keep its purpose and all that it names, invent no facts, and do not answer it. "
        f"{DATA_RULE} Answer with one JSON object; its `text` is the improved message, in {where}, as the "
        "person would say it."
    )


def message_prompt(text: str, before: str) -> str:
    """Returns what a model is asked for a message."""
    earlier = f"What was said before:\n\n{quoted(before)}\n\n" if before.strip() else ""
    return f"{earlier}The message:\n\n{quoted(text)}"


def repair_prompt(prompt: str, answer: str, mistake: str) -> str:
    """Returns what a model is asked whose first answer was unusable."""
    return (
        f"{prompt}\n\nYour last answer cannot be used: {mistake}. It was:\n\n{quoted(answer[:20_000])}\n\n"
        "Answer again, with the JSON object alone."
    )


_HEADINGS = {
    "en": (
        "Role",
        "Skills",
        "Preferences and guidance",
        "Guidance for tools",
        "Content of answers",
        "Form of answers",
        "Terms",
        "Constraints",
    ),
    "zh": (
        "角色",
        "技能",
        "偏好或者指导",
        "工具使用指导",
        "结果内容偏好",
        "结果形式偏好",
        "特殊名词定义",
        "限制",
    ),
}


def assembled(sections: PromptSections, language: str) -> str:
    """Returns a prompt of its sections, under headings in Chinese or else in English; empty ones are left
    out."""
    role, skills, guidance, tools, content, form, terms, limits = _HEADINGS[
        "zh" if is_chinese(language) else "en"
    ]
    inner = (
        (tools, sections.tool_guidance),
        (content, sections.content_preference),
        (form, sections.format_preference),
        (terms, sections.terminology),
    )
    below = "\n\n".join(f"### {title}\n\n{text.strip()}" for title, text in inner if text.strip())
    outer = (
        (role, sections.role),
        (skills, sections.skills),
        (guidance, below),
        (limits, sections.constraints),
    )
    return "\n\n".join(f"## {title}\n\n{text.strip()}" for title, text in outer if text.strip())


# --- without a model


def agent_template(description: str, tools: Sequence[str], given: bool, language: str) -> AgentDraft:
    """Returns the draft of an agent that no model has written. Of `tools` that were `given` it has all, else
    those that change nothing."""
    text = description.strip()
    first = sanitize_line(text.splitlines()[0]) if text else ""
    chinese = is_chinese(language)
    if chinese:
        parts = (
            f"你是一名助手，负责以下工作：\n\n{text}",
            "开始之前先说明你的计划；不清楚的地方先提问。",
            "完成后简要说明你做了什么，并指出不确定之处。不要编造事实。",
        )
    else:
        parts = (
            f"You are an assistant for this work:\n\n{text}",
            "Say what you are about to do before you do it, and ask where something is not clear.",
            "At the end, say briefly what you did and what you are not sure of. Make up no facts.",
        )
    return AgentDraft(
        display_name=shorten(first, _NAME) or ("新助手" if chinese else "New assistant"),
        description=shorten(first, 200),
        instructions="\n\n".join(parts),
        tools=tuple(name for name in tools if given or name in _READING),
        by="template",
    )


def prompt_template(text: str, goal: str, language: str) -> PromptDraft:
    """Returns a prompt that no model has improved: what it says, under the headings."""
    first, _, rest = text.strip().partition("\n")
    chinese = is_chinese(language)
    sections = PromptSections(
        role=first.strip(),
        skills=rest.strip(),
        content_preference=goal.strip(),
        constraints="不要编造事实；不确定时请说明。"
        if chinese
        else "Make up no facts; say where you are not sure.",
    )
    what = "未经模型分析" if chinese else "No model has looked at it"
    return PromptDraft(
        text=assembled(sections, language),
        sections=sections,
        findings=PromptFindings(language=what),
        original_length=len(text),
        goal=goal,
        by="template",
    )


def json_in(answer: str) -> str:
    """Returns the JSON object in an answer, perhaps with words or a fence around it."""
    start, end = answer.find("{"), answer.rfind("}")
    found = answer[start : end + 1] if 0 <= start < end else ""
    try:
        json.loads(found)
    except ValueError:
        return ""
    return found
