"""TensorBoard: scalars, findings as text, figures as images, in an events file; report.html and findings.json beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.errors import UsageProblem
from seatrial.integrations.trackers.parcel import PREFIX, Parcel
from seatrial.integrations.trackers.tracker import Known, Sent, needed

if TYPE_CHECKING:
    from seatrial.integrations.trackers.hearing import Heard

_SUFFIX = ".seatrial"  # of our events files: TensorBoard reads them with those of the script


def check(where: str) -> None:
    """`where` is a folder, made if need be."""
    needed("tensorboard", "tensorboard", "tensorboard")
    found = next((each for each in (Path(where), *Path(where).parents) if each.exists()), Path())
    if where and not found.is_dir():
        raise UsageProblem(
            f"Expected a folder for tensorboard:{where}, found the file {found}.", "track-folder", "Name another one."
        )


def own_run(heard: Heard, started: float) -> Known:
    """The folder that the script wrote to: of several beside each other the last, and none that lies in another, as those of
    `add_scalars` and `add_hparams` do."""
    folders = list(dict.fromkeys(Path(file).parent for file in heard.events_files))
    outer = [folder for folder in folders if not set(folder.parents) & set(folders)]
    return {"folder": str(outer[-1])} if outer else {}


def send(parcel: Parcel, where: str, known: Known) -> Sent:
    """Into the known folder where it is at or below `where`; else into a folder of its own there, or the run's own folder."""
    from torch.utils.tensorboard.writer import SummaryWriter

    folder = _folder(parcel, where, known)
    for earlier in folder.glob(f"events.out.tfevents.*{_SUFFIX}"):  # two lots of the same curves would be one zigzag
        earlier.unlink()
    writer: Any = SummaryWriter(str(folder), filename_suffix=_SUFFIX)
    try:
        for curve in parcel.scalars:
            for tick, value in zip(curve.ticks, curve.values, strict=True):
                writer.add_scalar(curve.label, value, int(tick), walltime=parcel.started + tick / 1000)
        for name, value in parcel.totals.items():
            writer.add_scalar(f"{PREFIX}/{name}", value, 0)
        writer.add_text(f"{PREFIX}/findings", parcel.markdown, 0)
        for name, picture in parcel.figures.items():
            writer.add_image(f"{PREFIX}/figures/{name}", _pixels(picture), 0, dataformats="HWC")
    finally:
        writer.close()
    return Sent({"folder": str(folder)}, _beside(parcel, folder))


def _folder(parcel: Parcel, where: str, known: Known) -> Path:
    base = Path(where).absolute()
    if known:
        folder = Path(known["folder"])
        if not where or folder == base or base in folder.parents:
            return folder
    return base / parcel.name if where else parcel.folder


def _beside(parcel: Parcel, folder: Path) -> str:
    """Leave the files beside the events, where TensorBoard shows none. Returns the command that shows them."""
    if folder != parcel.folder:
        ours = folder / PREFIX
        ours.mkdir(exist_ok=True)
        for file in parcel.files:
            shutil.copy(file, ours)
    return f"tensorboard --logdir {folder}"


def _pixels(picture: bytes) -> Any:
    import io

    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        return np.asarray(image.convert("RGB"))
