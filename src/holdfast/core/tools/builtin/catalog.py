"""The list of built-in tools. A new one is added here."""

from __future__ import annotations

from holdfast.core.domain.processes import ProcessRunner
from holdfast.core.domain.tools import Tool
from holdfast.core.tools.buckets.desk import BucketDesk
from holdfast.core.tools.builtin.analyse_documents import AnalyseDocuments
from holdfast.core.tools.builtin.ask_user import AskUser
from holdfast.core.tools.builtin.child_runs import ChildRuns
from holdfast.core.tools.builtin.delegate import Delegate
from holdfast.core.tools.builtin.edit_file import EditFile
from holdfast.core.tools.builtin.fetch_url import FetchUrl
from holdfast.core.tools.builtin.forget_memory import ForgetMemory
from holdfast.core.tools.builtin.generate_image import GenerateImage
from holdfast.core.tools.builtin.hand_over import HandOver
from holdfast.core.tools.builtin.http_request import HttpRequest
from holdfast.core.tools.builtin.list_bucket import ListBucket
from holdfast.core.tools.builtin.list_files import ListFiles
from holdfast.core.tools.builtin.load_skill import LoadSkill
from holdfast.core.tools.builtin.read_bucket import ReadBucket
from holdfast.core.tools.builtin.read_document import ReadDocument
from holdfast.core.tools.builtin.read_file import ReadFile
from holdfast.core.tools.builtin.remember import Remember
from holdfast.core.tools.builtin.run_command import RunCommand
from holdfast.core.tools.builtin.run_javascript import RunJavascript
from holdfast.core.tools.builtin.run_python import RunPython
from holdfast.core.tools.builtin.search_files import SearchFiles
from holdfast.core.tools.builtin.search_knowledge import SearchKnowledge
from holdfast.core.tools.builtin.search_memory import SearchMemory
from holdfast.core.tools.builtin.sql_query import SqlQuery
from holdfast.core.tools.builtin.sql_write import SqlWrite
from holdfast.core.tools.builtin.update_memory_block import UpdateMemoryBlock
from holdfast.core.tools.builtin.update_plan import UpdatePlan
from holdfast.core.tools.builtin.web_scrape import WebScrape
from holdfast.core.tools.builtin.web_search import WebSearch
from holdfast.core.tools.builtin.write_bucket import WriteBucket
from holdfast.core.tools.builtin.write_file import WriteFile
from holdfast.core.tools.postgres import Postgres
from holdfast.core.tools.web_searching import WebSearcher


def builtin_tools(
    processes: ProcessRunner,
    searcher: WebSearcher | None = None,
    painter: GenerateImage | None = None,
    *,
    postgres: Postgres | None = None,
    buckets: BucketDesk | None = None,
) -> tuple[Tool, ...]:
    """Returns every built-in tool; `processes` runs the programs of those that need some, `searcher` asks
    who searches the web, `painter` is the tool that knows who makes images, `postgres` reaches the databases
    that the settings name, `buckets` knows which there are."""
    return (
        ReadFile(),
        ListFiles(),
        SearchFiles(processes),
        WriteFile(),
        EditFile(),
        RunCommand(processes),
        RunPython(processes),
        RunJavascript(processes),
        FetchUrl(processes),
        WebSearch(searcher),
        WebScrape(processes),
        HttpRequest(),
        painter or GenerateImage(),
        ListBucket(buckets),
        ReadBucket(buckets),
        WriteBucket(buckets),
        SqlQuery(processes, postgres),
        SqlWrite(processes, postgres),
        SearchKnowledge(),
        ReadDocument(),
        AnalyseDocuments(processes),
        LoadSkill(),
        UpdatePlan(),
        AskUser(),
        Delegate(),
        ChildRuns(),
        HandOver(),
        SearchMemory(),
        Remember(),
        ForgetMemory(),
        UpdateMemoryBlock(),
    )
