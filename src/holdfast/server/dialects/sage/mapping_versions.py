"""Between Sage's versions and releases."""

from __future__ import annotations

from datetime import UTC

from holdfast.core.domain.releases import Artifact, NewRelease, Release
from holdfast.server.dialects.sage.mapping_times import local_time
from holdfast.server.dialects.sage.wire_versions import (
    ArtifactRecord,
    Update,
    Updates,
    VersionBody,
    VersionRecord,
)


def new_release(body: VersionBody) -> NewRelease:
    """Returns the release that a version stands for."""
    artifacts = tuple(
        Artifact(
            platform=each.platform,
            installer_url=each.installer_url or "",
            updater_url=each.updater_url or "",
            updater_signature=each.updater_signature or "",
        )
        for each in body.artifacts
    )
    return NewRelease(version=body.version, notes=body.release_notes, artifacts=artifacts)


def version_record(release: Release) -> VersionRecord:
    """Returns a release as clients list it."""
    return VersionRecord(
        version=release.version,
        release_notes=release.notes,
        pub_date=local_time(release.published_at),
        artifacts=[
            ArtifactRecord(
                platform=each.platform,
                installer_url=each.installer_url or None,
                updater_url=each.updater_url or None,
                updater_signature=each.updater_signature or None,
            )
            for each in release.artifacts
        ],
    )


def updates(release: Release) -> Updates:
    """Returns a release as the updater reads it: only what it can take."""
    moment = release.published_at.astimezone(UTC).replace(tzinfo=None)
    return Updates(
        version=release.version,
        notes=release.notes,
        pub_date=f"{moment.isoformat(timespec='microseconds')}Z",
        platforms={
            each.platform: Update(url=each.updater_url, signature=each.updater_signature)
            for each in release.artifacts
            if each.updater_url
        },
    )
