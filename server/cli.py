"""The `kabinet` command."""

import asyncio
import contextlib
import getpass
import os
import secrets as random_secrets
import signal
import sqlite3
import sys
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import asyncpg
from cyclopts import App, CycloptsError, Parameter
from tortoise.exceptions import BaseORMException

from domain.language import Language
from domain.ledger_check import check_ledger
from domain.refusal import Refusal, RequestFault
from resolvers.texts import problem_text
from server.database import bear_any_text, connect, disconnect, migrate
from server.database.connection import DatabaseUrl
from server.database.migrate import MigrationFault, pending
from server.settings import BadSettings, Settings, settings
from server.whole_file import whole_file

T = TypeVar("T")

app = App(name="kabinet", help="Self-care and wallet backend for telecom.", version="0.1.0")
staff = App(name="staff", help="The people who use the admin.")
partner = App(name="partner", help="Integrators and their API keys.")
price_list = App(name="price-list", help="Price lists in editions.")
offer = App(name="offer", help="Public offers in editions.")
ledger = App(name="ledger", help="The ledger.")
schema = App(name="schema", help="The GraphQL schema.")
wallet = App(name="wallet", help="The wallet.")
for command in (staff, partner, price_list, offer, ledger, schema, wallet):
    app.command(command)


class Stop(Exception):
    """Ends the command with exit code 2 and this one line."""


def stop(message: str) -> NoReturn:
    raise Stop(" ".join(message.split()))


def _connected(work: Callable[[Settings], Coroutine[Any, Any, T]]) -> T:
    """Runs the work on the migrated database of the settings."""

    async def run() -> T:
        config = settings()
        _try_file(config.database_url)
        await connect(config.database_url)
        try:
            if missing := await pending():
                stop(f"the database lacks {len(missing)} migrations: run `kabinet migrate` first")
            return await work(config)
        finally:
            await disconnect()

    return asyncio.run(run())


def _try_file(url: str) -> None:
    """A SQLite file that cannot be opened is told here, before a thread of its own would stumble over it."""
    read = DatabaseUrl.read(url)
    if read.kind == "sqlite":
        sqlite3.connect(read.credentials["file_path"]).close()


@app.command
def serve(*, host: str = "127.0.0.1", port: int = 8000, workers: int = 1) -> None:
    """Serves the API and the admin.

    Parameters
    ----------
    host
        The address to listen on.
    port
        The port to listen on.
    workers
        How many processes.
    """
    from server.serve import run_server

    if not 1 <= port <= 65_535:
        stop("the port is a number from 1 to 65535")
    if not 1 <= workers <= 64:
        stop("workers is a number from 1 to 64")

    async def nothing(config: Settings) -> Settings:
        return config

    config = _connected(nothing)
    if config.development:
        # Addresses in answers lead to where this server is, unless somebody has said otherwise.
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        os.environ.setdefault("KABINET_PUBLIC_URL", f"http://{shown}:{port}")
        settings.cache_clear()
    try:
        run_server(config, host=host, port=port, workers=workers)
    except OSError as error:
        stop(f"cannot listen on {host}, port {port}: {error.strerror or type(error).__name__}")


@app.command
def worker() -> None:
    """Delivers messages and does what comes due, without serving."""

    async def run(config: Settings) -> None:
        from resolvers.worker import Worker
        from server.app import open_gateways
        from server.observe import start_logging
        from server.surroundings import system_context

        start_logging(config.log_format)
        ended = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, ended.set)
        gateways = open_gateways(config)
        try:
            await Worker(system_context(config), gateways).run(ended)
        finally:
            await gateways.close()

    _connected(run)


@app.command(name="migrate")
def migrate_() -> None:
    """Brings the database up to date."""
    ran = asyncio.run(migrate(settings().database_url))
    print(f"migrated: {', '.join(ran)}" if ran else "the database is up to date")


@app.command
def demo(*, subscribers: int = 0) -> None:
    """Loads demo data; twice is as good as once.

    Parameters
    ----------
    subscribers
        Fills up to so many subscribers besides, for trying things at scale.
    """
    if not 0 <= subscribers <= 5_000_000:
        stop("subscribers is a number from 0 to 5,000,000")

    async def run(config: Settings) -> None:
        from server.demo import load_demo
        from server.demo_bulk import PHONES, PIN, load_bulk
        from server.surroundings import system_context

        if not config.development:
            stop("demo data is for development: KABINET_ENV is production")
        ctx = system_context(config)
        await load_demo(ctx)
        if subscribers:
            await load_bulk(ctx, subscribers, _progress)
        print("demo data is in place")
        if subscribers:
            print(f"{subscribers:,} more have phones from {PHONES}0000000 on; every third has a wallet, PIN {PIN}")

    _connected(run)


def _progress(what: str, done: int, total: int) -> None:
    """A bar on standard error where a person watches, a line now and then elsewhere."""
    share = done / total if total else 1.0
    if sys.stderr.isatty():
        bar = "█" * int(share * 30)
        print(f"\r{what:<14} {bar:<30} {done:,} of {total:,}", end="\n" if done >= total else "", file=sys.stderr)
    elif done >= total or int(share * 10) != int((done - max(total // 100, 1)) / max(total, 1) * 10):
        print(f"{what}: {done:,} of {total:,}", file=sys.stderr)


@staff.command(name="add")
def staff_add(*, username: str, name: str, role: str = "agent", password_file: Path | None = None) -> None:
    """Adds a member of staff; without a password one is made and shown once.

    Parameters
    ----------
    username
        What they sign in with.
    name
        Their name.
    role
        viewer, agent or admin.
    password_file
        A file whose first line is the password; "-" asks for it.
    """
    password = _password(password_file)

    async def run(config: Settings) -> None:
        from resolvers.staff import add_staff
        from server.surroundings import system_context

        await add_staff(system_context(config), username=username, name=name, role=role, password=password)

    _connected(run)
    print(f"added {username}, {role}")
    if password_file is None:
        print(f"password, shown this once: {password}")
    print("At the first sign-in the admin shows a QR code for an authenticator app.")


def _password(file: Path | None) -> str:
    if file is None:
        return random_secrets.token_urlsafe(15)
    if str(file) == "-":
        return getpass.getpass("password: ")
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError) as error:
        stop(f"the password file cannot be read: {type(error).__name__}")


@partner.command(name="add")
def partner_add(
    *,
    code: str,
    name: str,
    scope: Annotated[list[str], Parameter(negative="")],
    webhook_url: str | None = None,
) -> None:
    """Adds a partner and shows its API key and webhook secret once.

    Parameters
    ----------
    code
        A short name of small letters, digits and dashes.
    name
        The partner's name.
    scope
        What the key may do; may be given several times.
    webhook_url
        Where the partner is told of its subscriptions.
    """

    async def run(config: Settings) -> Any:
        from resolvers.partner import add_partner
        from server.surroundings import system_context

        return await add_partner(system_context(config), code=code, name=name, scopes=scope, webhook_url=webhook_url)

    made = _connected(run)
    print(f"added {code}")
    print(f"API key, shown this once: {made.api_key}")
    print(f"webhook secret, shown this once: {made.webhook_secret}")


@partner.command(name="webhook")
def partner_webhook(*, code: str, url: str | None = None, new_secret: bool = False) -> None:
    """Sets where a partner is told of its subscriptions, and shows the secret that signs what it is told.

    Parameters
    ----------
    code
        The partner.
    url
        The address; left out, the partner is told nothing.
    new_secret
        Makes another secret; the earlier one signs nothing any more.
    """

    async def run(config: Settings) -> Any:
        from resolvers.partner import set_webhook
        from server.surroundings import system_context

        return await set_webhook(system_context(config), code=code, url=url, new_secret=new_secret)

    made = _connected(run)
    print(f"{code} is told at {made.url}" if made.url else f"{code} is told nothing")
    print(f"webhook secret: {made.secret}")


@partner.command(name="limits")
def partner_limits(*, code: str, top_up: Decimal | None = None, top_up_day: Decimal | None = None) -> None:
    """Sets how much a partner may bring in; what is left out is without limit.

    Parameters
    ----------
    code
        The partner.
    top_up
        The most of one top-up, in so'm.
    top_up_day
        The most of one day in Tashkent, in so'm.
    """

    async def run(config: Settings) -> None:
        from resolvers.partner import set_top_up_limits
        from server.surroundings import system_context

        await set_top_up_limits(system_context(config), code=code, most=top_up, day_most=top_up_day)

    _connected(run)
    print(f"{code}: {top_up or 'any amount'} at once, {top_up_day or 'any amount'} in a day")


@partner.command(name="rotate-key")
def partner_rotate_key(*, code: str, old_hours: int = 24) -> None:
    """Makes another API key and shows it once; the earlier ones go on for a while, so nothing stands still.

    Parameters
    ----------
    code
        The partner.
    old_hours
        For how many hours the earlier keys still work.
    """
    if not 0 <= old_hours <= 24 * 90:
        stop("old-hours is a number from 0 to 2160")

    async def run(config: Settings) -> str:
        from resolvers.partner import rotate_key
        from server.surroundings import system_context

        ctx = system_context(config)
        return await rotate_key(ctx, code=code, old_until=ctx.clock.now() + timedelta(hours=old_hours))

    print(f"API key, shown this once: {_connected(run)}")
    print(f"the earlier keys of {code} work for {old_hours} more hours")


@price_list.command(name="import")
def price_list_import(file: Path) -> None:
    """Imports an edition of the price list; a bad file changes nothing.

    Parameters
    ----------
    file
        The CSV file; files that it refers to lie beside it.
    """
    from domain.tariff.price_list import BadPriceList

    async def run(config: Settings) -> Any:
        from resolvers.tariff import import_price_list
        from server.surroundings import system_context

        return await import_price_list(system_context(config), file)

    try:
        made = _connected(run)
    except OSError as error:
        _stop_at_file(error)
    except BadPriceList as error:
        _show_faults([_fault_line(fault) for fault in error.faults])
    print(f"edition {made.edition}: {'imported' if made.is_new else 'was there already'}, {made.lines} prices")


def _stop_at_file(error: OSError) -> NoReturn:
    """A file that cannot be read has a name; what has none is the database's trouble."""
    if error.filename is None:
        raise error
    stop(f"{error.filename}: {error.strerror or type(error).__name__}")


def _fault_line(fault: Any) -> str:
    column = f" {fault.column}:" if fault.column else ""
    value = f" ({fault.value!r})" if fault.value else ""
    return f"{fault.file}:{fault.line}:{column} {fault.reason}{value}"


def _show_faults(lines: list[str], most: int = 50) -> NoReturn:
    for line in lines[:most]:
        print(line, file=sys.stderr)
    more = len(lines) - most
    stop(f"nothing was imported: {len(lines)} faults" + (f", {more} of them not shown" if more > 0 else ""))


@offer.command(name="import")
def offer_import(*files: Path) -> None:
    """Publishes an edition of an offer, one file a language; a bad file changes nothing.

    Parameters
    ----------
    files
        The Markdown files.
    """
    from domain.offer_source import BadOffer

    if not files:
        stop("name the offer's files, one a language")

    async def run(config: Settings) -> Any:
        from resolvers.offer import import_offer
        from server.surroundings import system_context

        return await import_offer(system_context(config), list(files))

    try:
        made = _connected(run)
    except OSError as error:
        _stop_at_file(error)
    except BadOffer as error:
        _show_faults([str(fault) for fault in error.faults])
    print(f"offer {made.code}, edition {made.edition}, in force from {made.effective_from}")


@ledger.command(name="check")
def ledger_check() -> None:
    """Proves that the ledger is sound, seals included; exit code 1 and a line for each fault when it is not."""

    async def run(_config: Settings) -> tuple[int, dict[str, int]]:
        counted: dict[str, int] = {"transfers": 0, "entries": 0, "seals": 0}

        def tell(what: str, done: int) -> None:
            counted[what] = done
            if sys.stderr.isatty():
                print(f"\r{what}: {done:,}", end="", file=sys.stderr)

        await bear_any_text()
        faults = 0
        async for fault in check_ledger(tell):
            faults += 1
            print(fault)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        return faults, counted

    faults, counted = _connected(run)
    if faults:
        print(f"unsound: {faults} faults in {counted['transfers']:,} transfers", file=sys.stderr)
        raise SystemExit(1)
    print(
        f"sound: {counted['transfers']:,} transfers, {counted['entries']:,} entries of customers' accounts,"
        f" {counted['seals']:,} seals"
    )


@ledger.command(name="seal")
def ledger_seal() -> None:
    """Seals all that has moved since the last seal, as the worker does every few minutes, and shows the digests."""

    async def run(config: Settings) -> Any:
        from resolvers.ledger import seal_now
        from server.surroundings import system_context

        return await seal_now(system_context(config))

    made, whole = _connected(run)
    if not whole:
        stop("nothing was sealed: a transaction has been open too long that may still bring a transfer; try again")
    for one in made:
        print(f"seal {one.id}: {one.transfers:,} transfers, up to transfer {one.upto}, digest {one.digest}")
    if not made:
        print("nothing has moved since the last seal")


@ledger.command(name="export")
def ledger_export(file: Path) -> None:
    """Writes the whole ledger into a file that anybody can verify (docs/ledger-export.md has a script that does).

    Parameters
    ----------
    file
        Where to; it appears when it is whole, and takes the place of one that is there.
    """

    async def run(config: Settings) -> Any:
        from domain.audit import note
        from domain.ledger_export import export_ledger
        from server.surroundings import system_context

        await bear_any_text()
        ctx = system_context(config)
        at = ctx.clock.now()
        with whole_file(file) as writing:
            made = await export_ledger(writing.write, at=at, tell=lambda done, last: _progress("exported", done, last))
        await note(ctx.actor.label, "ledger.exported", "ledger", at, transfers=made.transfers, sha256=made.sha256)
        return made

    try:
        made = _connected(run)
    except OSError as error:
        _stop_at_file(error)
    print(f"{file}: {made.transfers:,} transfers, {made.seals:,} seals, sha256 {made.sha256}")


@app.command
def reconcile(
    provider: str,
    file: Path,
    *,
    from_: Annotated[date | None, Parameter(name="--from")] = None,
    until: date | None = None,
) -> None:
    """Compares a payment system's statement with our payments; exit code 1 when something differs.

    Parameters
    ----------
    provider
        payme, click, or partner:CODE.
    file
        The statement: CSV, or Payme's answer to GetStatement (docs/reconciliation.md).
    from_
        The first day that it covers; without the two days, the days of its first and last payment.
    until
        The last day that it covers.
    """
    if (from_ is None) != (until is None):
        stop("name both days that the statement covers, or none")

    async def run(config: Settings) -> Any:
        from resolvers.reconciliation import Period, sums
        from resolvers.reconciliation import reconcile as compare
        from server.surroundings import system_context

        ctx, period = system_context(config), Period(from_, until) if from_ and until else None
        ended = await compare(
            ctx,
            statement,
            provider=provider,
            source=file.name,
            period=period,
            tell=lambda done, size: _progress("bytes read", done, size),
        )
        return ended, await sums(ctx, ended.id)

    try:
        with open(file, "rb") as statement:
            ended, found = _connected(run)
    except OSError as error:
        _stop_at_file(error)
    if ended.status == "failed":
        stop(f"the statement cannot be read: {ended.fault}{f' ({ended.detail})' if ended.detail else ''}")
    print(f"reconciliation {ended.id}: {ended.lines:,} lines, {ended.matched:,} agree")
    for each in found:
        print(f"{each.kind}: {each.count:,}")
    if found:
        raise SystemExit(1)


@schema.command(name="print")
def schema_print() -> None:
    """Prints the GraphQL schema."""
    from schema.root import printed

    print(printed(), end="")


@wallet.command(name="draw")
def wallet_draw(file: Annotated[Path, Parameter(allow_leading_hyphen=True)] = Path("docs/wallet-life.md")) -> None:
    """Draws the wallet's states and the steps between them, from the table that the code obeys.

    Parameters
    ----------
    file
        Where to; "-" prints.
    """
    from domain.wallet.drawing import drawn
    from domain.wallet.life import STEPS

    if str(file) == "-":
        print(drawn(), end="")
        return
    try:
        file.write_text(drawn(), encoding="utf-8")
    except OSError as error:
        _stop_at_file(error)
    print(f"{file}: {len(STEPS)} steps")


def main() -> None:
    """Runs the command. Whatever is wrong with what it was given: one line, exit code 2."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except Stop as stopped:
        _end(str(stopped))
    except BadSettings as bad:
        _end(str(bad))
    except CycloptsError as error:
        _end(" ".join(str(error).split()))
    except MigrationFault as fault:
        _end(str(fault))
    except (Refusal, RequestFault) as refusal:
        field = f"{refusal.path[-1]}: " if isinstance(refusal, Refusal) and refusal.path else ""
        _end(field + problem_text(refusal, Language.EN))
    except (OSError, sqlite3.Error, BaseORMException, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _end(f"the database cannot be used: {type(error).__name__}: {_first_line(error)}")
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.close(sys.stdout.fileno())
        raise SystemExit(0) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def _end(message: str) -> NoReturn:
    print(f"kabinet: {message}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
