"""The page about the wallet's life is drawn from the machine: whoever changes a step draws it again."""

from pathlib import Path

from domain.wallet.drawing import drawn
from domain.wallet.life import STEPS, Cause, ClosedBecause

PAGE = Path(__file__).resolve().parents[3] / "docs" / "wallet-life.md"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    table = drawn().split(f"## {heading}\n")[1].split("##")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:1] == "|"][2:]


def test_the_committed_page_is_what_the_code_draws() -> None:
    assert PAGE.read_text(encoding="utf-8") == drawn()


def test_every_step_has_a_line_with_its_rule() -> None:
    assert [row[5] for row in rows("The steps")] == [way.rule for way in STEPS.values()]


def test_every_block_has_its_way_back_and_every_end_says_what_becomes_of_the_money() -> None:
    back = {row[0]: row[6] for row in rows("The steps")}

    assert [back[name] for name in ("loss reported", "suspected", "PIN forgotten")] == [
        "number restored",
        "cleared",
        "PIN reset",
    ]
    assert sum("operator's income" in text for text in back.values()) == len(ClosedBecause) - 1
    assert len(rows("What blocks a wallet")) == len(Cause)


def test_nothing_leads_out_of_a_closed_wallet() -> None:
    arrows = [line.strip() for line in drawn().split("```")[1].splitlines() if "-->" in line]

    assert [arrow for arrow in arrows if arrow.startswith("closed")] == ["closed --> closed: rest forfeited"]
