"""The controller, put together: ingest and metrics by HTTP, a tick now and then, until it is told to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from switcher.adapters.files import ObjectFiles
from switcher.adapters.scheduler import ticking
from switcher.adapters.store.history import SqlHistory
from switcher.adapters.store.migrate import upgrade
from switcher.bootstrap import hands_of, open_history
from switcher.cycle import Cycle, Parts
from switcher.decide import Settings
from switcher.errors import SwitcherError, TryLaterError
from switcher.logs import log_to_stderr
from switcher.meters import Meters
from switcher.observe import Sight
from switcher.ports import History
from switcher.settings import ControllerSettings
from switcher.upkeep import EVERY, Upkeep
from switcher.versions import keep_objects
from switcher.web.app import Doors, application
from switcher.web.rankings import Deliveries
from switcher.web.server import serve

log = logging.getLogger(__name__)


def run_controller(settings: ControllerSettings) -> None:
    """The controller until SIGTERM or SIGINT.

    Raises BadInputError when the objects are wrong at the start, SwitcherError when the database cannot be
    upgraded, the token cannot be read or the address cannot be bound.
    """
    log_to_stderr()
    meters = Meters()
    upgrade(settings.database)
    history = open_history(settings.database)
    files = object_files(settings.objects, history, meters)
    doors = Doors(
        ledger=history,
        meters=meters,
        ready=history.ping,
        token=_token(settings),
        rankings=Deliveries(history.ranking),
    )
    cycle = Cycle(
        Parts(
            history=history,
            hands=hands_of(settings),
            book=files.book,
            clock=lambda: datetime.now(UTC),
            stopwatch=time.perf_counter,
            sight=Sight(window=settings.window, stale_after=settings.stale_after),
            settings=Settings(
                stale_after=settings.stale_after,
                settlement_currency=settings.settlement_currency,
                new_demand_bps=settings.new_demand,
            ),
            meters=meters,
        )
    )
    _prepare(history)
    log.info("controller starts", extra={"listen": settings.listen, "nodes": len(settings.nodes)})
    upkeep = _upkeep(settings, history, files, meters)
    with ticking(cycle.tick, settings.tick), ticking(upkeep.round, EVERY):
        try:
            serve(application(doors), settings.listen)
        except OSError as error:
            raise SwitcherError(f"cannot listen on {settings.listen}: {error}") from error
    history.close()
    log.info("controller ends")


def _prepare(history: SqlHistory) -> None:
    """What is long to read for the first time is read before the controller says that it is ready."""
    try:
        history.prepare(datetime.now(UTC))
    except TryLaterError as error:
        log.warning("the history is away; the first tick reads it", extra={"cause": str(error)})


def object_files(paths: Sequence[Path], history: History, meters: Meters) -> ObjectFiles:
    """The users' objects in force; the history keeps every version. Raises BadInputError when they are wrong."""
    return ObjectFiles(
        paths,
        meters.objects_valid,
        networks=lambda: {known.network for known in history.networks()},
        keep=lambda documents: keep_objects(history, documents, datetime.now(UTC)),
    )


def _upkeep(settings: ControllerSettings, history: SqlHistory, files: ObjectFiles, meters: Meters) -> Upkeep:
    return Upkeep(
        history=history,
        book=files.book,
        keep=settings.keep.keep,
        clock=lambda: datetime.now(UTC),
        stopwatch=time.perf_counter,
        meters=meters,
    )


def _token(settings: ControllerSettings) -> str | None:
    if settings.token_file is None:
        return None
    try:
        token = settings.token_file.read_text().strip()
    except OSError as error:
        raise SwitcherError(f"cannot read the token file {settings.token_file}: {error}") from error
    if not token:
        raise SwitcherError(f"the token file {settings.token_file} is empty: put a random word of 32 letters in it")
    return token
