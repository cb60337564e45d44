"""What a template asks for, told with it in listings."""

from __future__ import annotations

from holdfast.core.domain.prompts import PromptArgument, PromptInfo, PromptTemplate
from holdfast.core.domain.templates import Template


def described(template: PromptTemplate, info: PromptInfo) -> PromptInfo:
    """Returns `info` with what a template says and asks for."""
    asked = Template(template.text)
    known = {argument.name for argument in template.arguments}
    # Nobody has said of such a name that it may be left out.
    unnamed = (PromptArgument(name=name, required=True) for name in asked.names if name not in known)
    return info.model_copy(
        update={
            "title": template.title,
            "description": template.description,
            "arguments": (*template.arguments, *unnamed),
            "words": asked.words,
            "takes_rest": asked.takes_rest,
        }
    )
