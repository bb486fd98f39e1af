"""Papers to be read: typst sets them from a template and plain values, in its own fonts, wherever it runs."""

import asyncio
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import segno

from domain.fiscal import FiscalReceipt
from domain.language import Language
from domain.policy import Operator
from papers.words import columns, figure, moment
from resolvers.context import Context
from resolvers.receipt import ReceiptPaper, purpose_text
from resolvers.statement import Line, StatementPaper, Sums, lines_of, sums_of
from resolvers.texts import NO_BREAK, day_text, instant_text, money_text, translator

TEMPLATES: Final = Path(__file__).parent / "templates"
PROGRAM: Final = Path(__file__).parent / "typeset.py"
SET_SECONDS: Final = 30
MOST_ITEMS_ON_A_PAGE: Final = 3
_NUMBER: Final = re.compile(r"\b" + r"([0-9]{4})" * 4 + r"\b", re.ASCII)


async def statement_pdf(ctx: Context, paper: StatementPaper) -> bytes:
    """The statement on A4, its pages numbered."""
    lines = [line async for page in lines_of(ctx, paper) for line in page]
    # Without tags: of three thousand entries they would be nineteen parts in twenty of the file.
    return await asyncio.to_thread(_set, "statement.typ", _statement(paper, lines, await sums_of(paper)), tagged=False)


async def receipt_pdf(paper: ReceiptPaper) -> bytes:
    """The receipt on one page of A6, with the QR code of its check page."""
    return await asyncio.to_thread(_set, "receipt.typ", _receipt(paper), tagged=True)


def _set(template: str, values: dict[str, Any], *, tagged: bool) -> bytes:
    """The PDF, set by a program of its own (see there), which is given thirty seconds."""
    done = subprocess.run(  # noqa: S603  # our own program; what people wrote goes to its input alone
        [sys.executable, "-I", PROGRAM, TEMPLATES / template, "tags" if tagged else "plain"],
        input=json.dumps(values, ensure_ascii=False).encode(),
        capture_output=True,
        timeout=SET_SECONDS,
        check=True,
    )
    return done.stdout


def _statement(paper: StatementPaper, lines: list[Line], sums: Sums) -> dict[str, Any]:
    _, language = translator(paper.language).gettext, paper.language
    asked = paper.filter
    partial = bool(asked.kinds or asked.least or asked.most or asked.incoming is not None)
    return {
        "language": str(language).partition("-")[0],
        "title": _("Statement"),
        "operator": _operator(paper.operator, language),
        "of": _("Wallet") if paper.kind == "wallet" else _("Account"),
        "number": grouped(paper.number),
        "holder": paper.holder,
        "period": f"{day_text(paper.first_day, language)} – {day_text(paper.last_day, language)}",
        "made": _("Made on %(moment)s") % {"moment": instant_text(paper.made_at, language)},
        "partial": _("Only some of the movements are shown.") if partial else "",
        "sums": [
            [_("Balance at the start"), money_text(sums.opening, language)],
            [_("Came in"), money_text(sums.incoming, language)],
            [_("Went out"), money_text(sums.outgoing, language)],
            [_("Balance at the end"), money_text(sums.closing, language)],
        ],
        "columns": [columns(language)[n] for n in (0, 1, 3, 4)],
        "lines": [_line(line, language) for line in lines],
        "none": _("No money has moved yet."),
    }


def _line(line: Line, language: Language) -> list[str]:
    amounts = figure(line.amount, language, sign=True), figure(line.balance, language)
    return [moment(line.at, language), line.what, grouped(line.details), line.receipt, *amounts]


def _receipt(paper: ReceiptPaper) -> dict[str, Any]:
    _, language, receipt = translator(paper.language).gettext, paper.language, paper.receipt
    rows = [
        [_("When"), instant_text(receipt.at, language)],
        [_("Payer"), grouped(receipt.payer)],
        [_("Recipient"), grouped(receipt.recipient)],
        [_("Purpose"), purpose_text(receipt.purpose, language)],
        [_("Amount"), money_text(receipt.amount, language)],
        [_("Commission"), money_text(receipt.commission, language)],
    ]
    return {
        "language": str(language).partition("-")[0],
        "title": _("Receipt"),
        "number": receipt.number,
        "operator": _operator(paper.operator, language),
        "rows": [row for row in rows if row[1]],
        "total": [_("Total"), money_text(receipt.total, language)],
        "qr": qr_svg(paper.check_url),
        "check": _("Scan to see that this receipt is genuine."),
        "check_url": paper.check_url,
        "fiscal": _fiscal(paper.fiscal, language) if paper.fiscal else None,
        "long": paper.fiscal is not None and len(paper.fiscal.items) > MOST_ITEMS_ON_A_PAGE,
    }


def _operator(operator: Operator, language: Language) -> dict[str, str]:
    stir = f"{translator(language).gettext('STIR')} {operator.stir}" if operator.stir else ""
    phone = operator.phone.replace(" ", NO_BREAK)
    return {"name": operator.name, "details": " · ".join(filter(None, (stir, operator.address, phone)))}


def _fiscal(fiscal: FiscalReceipt, language: Language) -> dict[str, Any]:
    _ = translator(language).gettext
    return {
        "title": _("Fiscal receipt"),
        "rows": [
            [_("Terminal"), fiscal.terminal],
            [_("Number"), fiscal.receipt_number],
            [_("When"), moment(fiscal.at, language)],
            [_("Fiscal sign"), fiscal.sign],
        ],
        "qr": qr_svg(fiscal.qr_url),
        "items": [
            [
                f"{item.name} × {item.units}",
                f"MXIK {item.mxik}",
                money_text(item.amount, language),
                _("VAT %(percent)s %%: %(amount)s")
                % {"percent": item.vat_percent, "amount": money_text(item.vat, language)},
            ]
            for item in fiscal.items
        ],
    }


def qr_svg(url: str) -> str:
    """The address as a QR code, to be scaled."""
    file = io.BytesIO()
    segno.make(url, error="m", micro=False).save(file, kind="svg", border=0, xmldecl=False)
    return file.getvalue().decode()


def grouped(text: str) -> str:
    """The text with each wallet's sixteen digits in fours."""
    return _NUMBER.sub(r"\1 \2 \3 \4", text)
