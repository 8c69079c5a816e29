"""A comparison as one table and one figure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from graphlearn.base.plotting import STYLE
from graphlearn.base.tables import Table
from graphlearn.training.compare import Column, Comparison

COLORS = ("#EE6677", "#4477AA", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#EE8866", "#44BB99", "#332288")
Lines = Sequence[Mapping[str, Any]]


class Cell(NamedTuple):
    """A figure of one variant in one setting.

    Attributes:
        mean: Mean over all runs.
        std: Standard deviation over folds of the mean over seeds; over seeds where there is one fold; None for one run.
        stderr: ``std`` over the square root of the number of folds (or seeds).
        runs: Number of runs.
    """

    mean: float
    std: float | None
    stderr: float | None
    runs: int


class ComparisonTable:
    """Variants down; settings, or figures, across.

    Args:
        comparison: What was compared.
        lines: Of its finished runs.
    """

    def __init__(self, comparison: Comparison, lines: Lines) -> None:
        self.comparison, self.lines = comparison, lines
        self.variants = list(dict.fromkeys(line["variant"] for line in lines))
        self.settings = list(dict.fromkeys(line["setting"] for line in lines))
        self.references = comparison.references(lines)

    def cell(self, variant: str, setting: str, key: str) -> Cell | None:
        """A figure of one variant in one setting; None where there is no run.

        Args:
            variant: Its name.
            setting: Its name.
            key: Of the figure.

        Returns:
            Mean, spread and number of the runs.
        """
        group = [x for x in self.lines if (x["variant"], x["setting"]) == (variant, setting)]
        if not group:
            return None
        folds = {fold: [x["figures"][key] for x in group if x["fold"] == fold] for fold in {x["fold"] for x in group}}
        values = [statistics.mean(of_fold) for of_fold in folds.values()]
        values = values if len(values) > 1 else next(iter(folds.values()))
        std = statistics.stdev(values) if len(values) > 1 else None
        mean = statistics.mean(x["figures"][key] for x in group)
        return Cell(mean, std, None if std is None else std / len(values) ** 0.5, len(group))

    def is_among_best(self, variant: str, setting: str, column: Column) -> bool:
        """Whether a variant is within one standard error of the best one; never where that is not known.

        Args:
            variant: Row of the table.
            setting: Row within the variant.
            column: The figure.


        Returns:
            True where it is.
        """
        cells = {v: cell for v in self.variants if (cell := self.cell(v, setting, column.key)) is not None}
        choose = max if column.higher_is_better else min
        best = choose(cells.values(), key=lambda cell: cell.mean)
        return best.stderr is not None and abs(cells[variant].mean - best.mean) <= best.stderr

    def markdown(self) -> str:
        """The table; the best of each column and all within its standard error are bold."""
        places = [(setting, column) for setting in self.settings for column in self.comparison.columns]
        rows = []
        for variant in self.variants:
            count = sum(line["variant"] == variant for line in self.lines)
            rows.append([variant, *(self._text(variant, *place) for place in places), str(count)])
        for name, figures in self.references.items():
            rows.append([name, *(_number(figures.get(column.key), column) for _, column in places), "–"])
        return Table(["", *(self._heading(*place) for place in places), "runs"], rows).markdown()

    def summary(self) -> list[dict[str, Any]]:
        """One row per variant, setting and figure, JSON-able."""
        return [
            {"variant": variant, "setting": setting, "figure": column.key, **cell._asdict()}
            for variant in self.variants
            for setting in self.settings
            for column in self.comparison.columns
            if (cell := self.cell(variant, setting, column.key)) is not None
        ]

    def figure(self) -> Figure:
        """The first figure of every variant with its standard error, over the settings where there are several."""
        column = self.comparison.columns[0]
        with matplotlib.rc_context(STYLE):
            several = len(self.settings) > 1
            size = (7.0, 3.8) if several else (7.0, 1.2 + 0.32 * len(self.variants))
            figure = Figure(figsize=size, layout="constrained")
            axes = figure.subplots()
            (self._draw_curves if several else self._draw_points)(axes, column)
            draw = axes.axhline if several else axes.axvline
            for index, (name, figures) in enumerate(self.references.items()):
                if column.key in figures:
                    draw(
                        column.factor * figures[column.key],
                        color="#888888",
                        ls=(":", "--", "-.")[index % 3],
                        label=name,
                    )
            axes.set_title(self.comparison.title)
            if several or self.references:
                axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure

    def _draw_curves(self, axes: Axes, column: Column) -> None:
        for index, variant in enumerate(self.variants):
            found = [
                (i, c) for i, s in enumerate(self.settings) if (c := self.cell(variant, s, column.key)) is not None
            ]
            means = [column.factor * cell.mean for _, cell in found]
            errors = [column.factor * (cell.stderr or 0.0) for _, cell in found]
            color = COLORS[index % len(COLORS)]
            axes.errorbar([i for i, _ in found], means, errors, color=color, marker="o", ms=4, capsize=2, label=variant)
        axes.set_xticks(range(len(self.settings)), self.settings)
        axes.set_ylabel(column.label)

    def _draw_points(self, axes: Axes, column: Column) -> None:
        for place, variant in enumerate(self.variants):
            cell = self.cell(variant, self.settings[0], column.key)
            assert cell is not None
            color = COLORS[place % len(COLORS)]
            values = [column.factor * x["figures"][column.key] for x in self.lines if x["variant"] == variant]
            axes.plot(values, [place] * len(values), "o", color=color, ms=4, alpha=0.4)
            error = [column.factor * (cell.stderr or 0.0)]
            axes.errorbar([column.factor * cell.mean], [place], xerr=error, color=color, marker="|", ms=14, capsize=4)
        axes.set(yticks=range(len(self.variants)), yticklabels=self.variants, xlabel=column.label)
        axes.set_ylim(len(self.variants) - 0.5, -0.5)

    def _heading(self, setting: str, column: Column) -> str:
        if len(self.comparison.columns) == 1 and setting:
            return setting
        return f"{setting}: {column.label}" if setting and len(self.settings) > 1 else column.label

    def _text(self, variant: str, setting: str, column: Column) -> str:
        cell = self.cell(variant, setting, column.key)
        if cell is None:
            return ""
        text = _number(cell.mean, column)
        text += "" if cell.std is None else f" ± {column.factor * cell.std:.{column.digits}f}"
        return f"**{text}**" if self.is_among_best(variant, setting, column) else text


def _number(value: float | None, column: Column) -> str:
    return "–" if value is None else f"{column.factor * value:.{column.digits}f}"
