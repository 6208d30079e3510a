"""Data that can be sealed, one file a format: tables, arrays, folders of files by class, torch data sets."""
def source_of(data, target):
    from pathlib import Path
    from seatrial.vault.sources.csv import CsvSource
    from seatrial.vault.sources.npz import NpzSource
    p = Path(data)
    return CsvSource(p, target) if p.suffix == ".csv" else NpzSource(p, target)
def read(form, name, content):
    from seatrial.vault.sources import csv, npz
    return {"csv": csv, "npz": npz}[form.kind].read(form, name, content)
