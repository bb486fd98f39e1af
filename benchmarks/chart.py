"""The ratios as bars: plain SVG that reads in light and in dark."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.operations import SCREENS
from benchmarks.rounds import HAND, OURS, Results, ratio

WIDTH: Final = 760
LABELS: Final = 230
BARS: Final = 420
ROW: Final = 20
STYLE: Final = """
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .head { font-weight: 600; font-size: 14px; }
  .bar { fill: #8c959f; } .ours { fill: #1a7f5a; } .one { stroke: #1f2328; stroke-dasharray: 2 3; opacity: .6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .bar { fill: #6e7681; } .ours { fill: #3fb68b; } .one { stroke: #e6edf3; }
  }
"""


def draw(results: Results, servers: Sequence[str]) -> str:
    """A group of bars a screen; each is the requests for the processor time that one takes by hand."""
    rows: list[str] = []
    y = 10
    for screen in SCREENS:
        bars = [(name, found) for name in servers if (found := ratio(results, screen, name)) is not None]
        if bars:
            rows += _group(screen, bars, y)
            y += ROW * (len(bars) + 2)
    title = "Requests answered with the processor time of one by hand: longer is cheaper"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{title}">',
            f"<style>{STYLE}</style>",
            *rows,
            "</svg>",
            "",
        ]
    )


def _group(screen: str, bars: Sequence[tuple[str, float]], y: int) -> Iterator[str]:
    # A group's own scale: the longest bar fills the room, and the dashed line is 1.
    scale = BARS / max(found for _, found in bars)
    one = LABELS + scale
    yield f'<text class="head" x="0" y="{y + 14}">{escape(screen)}</text>'
    for number, (name, found) in enumerate(bars, 1):
        top = y + number * ROW
        kind = "ours" if name == OURS else "bar"
        yield f'<text x="{LABELS - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>'
        width = f"{max(found * scale, 1):.1f}"
        yield f'<rect class="{kind}" x="{LABELS}" y="{top + 3}" width="{width}" height="{ROW - 6}"/>'
        yield f'<text x="{LABELS + found * scale + 6:.1f}" y="{top + 14}">{found:.2f}</text>'
    if any(name == HAND for name, _ in bars):
        bottom = y + (len(bars) + 1) * ROW
        yield f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{y + ROW}" y2="{bottom}"/>'
