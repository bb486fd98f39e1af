"""What every test can ask for: databases, a browser, and marks that say which rule a test proves.

KABINET_REQUIRE=postgres,browser (or --require) makes a missing PostgreSQL or Chromium a failure instead of a skip.
"""

import asyncio
import os
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import pytest

from tests.support.postgres import PrivatePostgres, postgres_programs, private_postgres

TEMPLATE = "migrated"
# A fixture that only works with something installed, and the mark that its tests get.
NEEDS = {"postgres_server": "postgres", "chromium": "browser"}
MARKS = (
    "rule(id): the rule of the specification that the test proves",
    "postgres: runs on a private PostgreSQL server",
    "browser: drives Chromium",
    "slow: takes more than a few seconds",
)
RAN = pytest.StashKey[set[str]]()
RULES = pytest.StashKey[defaultdict[str, list[str]]]()

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("kabinet", deadline=None, print_blob=True)
hypothesis.settings.load_profile("kabinet")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kabinet")
    group.addoption("--require", default=os.environ.get("KABINET_REQUIRE", ""), help="fail without: postgres,browser")
    group.addoption("--rules-report", action="store_true", help="list which tests prove which rule, and run none")


def pytest_configure(config: pytest.Config) -> None:
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    unknown = _required(config) - set(NEEDS.values())
    if unknown:
        raise pytest.UsageError(f"--require knows {', '.join(NEEDS.values())}; not {', '.join(sorted(unknown))}")
    config.stash[RAN] = set[str]()
    config.stash[RULES] = defaultdict[str, list[str]](list)
    if config.getoption("rules_report"):
        config.option.collectonly = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for name, mark in NEEDS.items():
            if name in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        for mark in NEEDS.values():
            if item.get_closest_marker(mark):
                # Travels with the report, so that the process that ends the session knows it under xdist too.
                item.user_properties.append(("needs", mark))
        for rule in item.iter_markers("rule"):
            config.stash[RULES][str(rule.args[0])].append(item.nodeid)


class _Watch:
    """Notes which of the required kinds of test did run."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and not report.skipped:
            self.config.stash[RAN].update(str(value) for name, value in report.user_properties if name == "needs")


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(_Watch(session.config))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _did_not_run(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("rules_report"):
        for rule, tests in sorted(config.stash[RULES].items()):
            terminalreporter.write_line(rule)
            for test in tests:
                terminalreporter.write_line(f"    {test}")
    for mark in sorted(_did_not_run(config)):
        terminalreporter.write_line(f"ERROR: no test marked {mark!r} ran, and they are required", red=True)


def _required(config: pytest.Config) -> set[str]:
    return {name.strip() for name in str(config.getoption("require")).split(",") if name.strip()}


def _did_not_run(config: pytest.Config) -> set[str]:
    is_worker = hasattr(config, "workerinput")
    if is_worker or config.option.collectonly:
        return set()
    ran = config.stash[RAN]
    return _required(config) - ran


def _miss(config: pytest.Config, mark: str, reason: str) -> NoReturn:
    if mark in _required(config):
        pytest.fail(f"{reason}, and {mark} tests are required", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PrivatePostgres]:
    """A PostgreSQL server of this test process's own."""
    if postgres_programs() is None:
        _miss(request.config, "postgres", "PostgreSQL is not installed")
    with private_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PrivatePostgres) -> str:
    """The name of a migrated, empty database, to be copied and never connected to."""
    _finish(_migrate(postgres_server.create_database(TEMPLATE)))
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / f"{TEMPLATE}.db"
    _finish(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database of this test alone; the test runs once on each kind."""
    if request.param == "sqlite":
        path = tmp_path / "kabinet.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    template = request.getfixturevalue("postgres_template")
    server: PrivatePostgres = request.getfixturevalue("postgres_server")
    url = server.create_database(template=template)
    yield url
    server.drop_database(url.rpartition("/")[2])


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[str]:
    """The models, connected to this test's own database; its URL."""
    from server.database import connect, disconnect

    await connect(database_url)
    yield database_url
    await disconnect()


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Path:
    """The Chromium of this machine, for playwright's executable_path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        _miss(request.config, "browser", "Chromium is not installed")
    return Path(found)


async def _migrate(url: str) -> None:
    from server.database.migrate import migrate

    await migrate(url)


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Runs to the end in a thread: the main one may have a loop running, playwright's for example."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, work).result()
