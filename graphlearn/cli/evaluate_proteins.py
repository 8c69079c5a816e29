"""``graphlearn evaluate`` of predictors of protein functions."""

from __future__ import annotations

import json
from pathlib import Path

from graphlearn.base.cli.shell import out, progress
from graphlearn.base.files import replace_text


def evaluate_proteins(
    folder: Path,
    data: Path | None,
    *,
    part: str,
    residues: bool,
    profiles: bool,
    out_dir: Path | None,
    json_file: Path | None,
) -> None:
    """Print tables of terms and residues, and write them with pictures if asked for."""
    from graphlearn.proteins.evaluation.report import Verdict, numbers, tables, write_verdict
    from graphlearn.proteins.evaluation.site_benchmark import locate
    from graphlearn.proteins.evaluation.stored import load_predictor

    predictor = load_predictor(folder, data, profiles=profiles)
    evaluated = predictor.judge(part)
    verdict = Verdict(evaluated, {})
    if residues and (truth := predictor.sites(part)) is not None:
        with progress("chains with sites", len(truth.chains)) as show:
            verdict = Verdict(evaluated, locate(predictor.model, truth, on_chain=show))
    out.print(tables(verdict), markup=False, soft_wrap=True)
    out.print(
        f"{evaluated.chains_of_bin['all']} chains for {part}; expected calibration error of the network "
        f"{evaluated.calibration_error:.3f}; best hits found by {evaluated.search}",
        soft_wrap=True,
    )
    if out_dir is not None:
        for path in write_verdict(verdict, out_dir):
            out.print(f"wrote {path}", soft_wrap=True)
    if json_file is not None:
        replace_text(json_file, json.dumps(numbers(verdict), indent=2))
        out.print(f"wrote {json_file}", soft_wrap=True)
