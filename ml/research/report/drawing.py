"""Small plots as SVG: the same figures give the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008, "Color universal design": told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
_STYLE: Any = {
    "svg.hashsalt": "dermaport",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def draw(
    plots: dict[str, bytes], name: str, panels: int = 1, width: float = 4.2, height: float = 3.6
) -> Iterator[list["Axes"]]:
    """Give `panels` empty axes side by side, each `width` by `height` inches; keep the SVG in `plots`."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(width * panels, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield list(figure.subplots(1, panels, squeeze=False)[0])
        stream = BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    plots[name] = stream.getvalue()


def style_line(index: int) -> dict[str, Any]:
    """Return colour and dash of the line numbered `index`, so that colour is never the only sign."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": LINES[index % len(LINES)],
        "linewidth": 1.5,
    }
