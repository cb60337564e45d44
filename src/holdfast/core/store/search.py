"""The search in all that was said, in every session of a user."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.core.domain.runs import SearchHit
from holdfast.core.domain.search import SessionQuery
from holdfast.core.domain.values import Page
from holdfast.core.store.conditions import conditions
from holdfast.core.store.cursors import Keyset
from holdfast.core.store.reader import Reader

_HITS = """
    WITH hits AS MATERIALIZED (
        SELECT search.rowid AS id, rank AS score, session_id, role, at, title
        FROM search JOIN sessions s ON s.id = search.session_id
        WHERE search MATCH ? AND search.rowid <= ? AND {admitted}
    )
    SELECT * FROM hits WHERE {after} ORDER BY score, id LIMIT ?
"""


class MessageSearch:
    """Reads the full-text index."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(
        self, query: SessionQuery, limit: int, cursor: str | None = None, owner: str | None = None
    ) -> Page[SearchHit]:
        """Returns where all words and phrases of `query` stand, best first; each word also as a beginning.

        What is written while the hits are paged is not among them. It changes the scores of texts of
        unlike lengths a little, though: one that so moves over the edge of a page is missed or repeated.
        """
        place = Keyset("search", query.key, query.archived)
        after = place.read(cursor, float, int, int)
        matched = _matched(query)
        if not matched:
            return Page[SearchHit](items=())
        score, last, newest = after or [None, 0, await self._reader.last_event_id()]
        if score is not None:
            # Scores shift a little with every text that is added: the place is where its hit is now.
            now = await self._reader.rows(
                "SELECT rank FROM search WHERE search MATCH ? AND rowid = ?", (matched, last)
            )
            score = now[0][0] if now else score
        admitted, values = conditions(query, "search.at")
        if owner is not None:
            admitted.append("s.owner = ?")
            values.append(owner)
        if query.role is not None:
            admitted.append("search.role = ?")
            values.append(query.role)
        sql = _HITS.format(
            admitted=" AND ".join(admitted), after="1" if score is None else "(score, id) > (?, ?)"
        )
        begin = [] if score is None else [score, last]
        rows = await self._reader.rows(sql, [matched, newest, *values, *begin, limit + 1])
        kept = rows[:limit]
        next_cursor = place.write(kept[-1]["score"], kept[-1]["id"], newest) if len(rows) > limit else None
        excerpts = await self._excerpts(matched, [row["id"] for row in kept])
        return Page[SearchHit](
            items=tuple(
                SearchHit(
                    session_id=row["session_id"],
                    session_title=row["title"],
                    event_id=row["id"],
                    role=row["role"],
                    excerpt=excerpts[row["id"]],
                    at=row["at"],
                )
                for row in kept
                if row["id"] in excerpts
            ),
            next_cursor=next_cursor,
        )

    async def _excerpts(self, matched: str, ids: Sequence[int]) -> dict[int, str]:
        """Returns what is around the hits; made for those of one page only, for it takes time.

        The plus has the words looked up once for all hits, and not for each of them again.
        """
        rows = await self._reader.rows(
            "SELECT rowid AS id, snippet(search, 0, char(2), char(3), '…', 24) AS excerpt FROM search"
            f" WHERE search MATCH ? AND +rowid IN ({', '.join('?' * len(ids))})",
            (matched, *ids),
        )
        return {row["id"]: row["excerpt"] for row in rows}


def _matched(query: SessionQuery) -> str:
    """Returns what FTS5 is to look for; nothing in it is read as its syntax."""
    words = [f'"{word.replace(chr(34), chr(34) * 2)}"*' for word in query.words]
    return " ".join([*words, *(f'"{phrase}"' for phrase in query.phrases)])
