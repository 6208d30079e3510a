"""Data that can be sealed, one file a format: tables, arrays, folders of files by class, torch data sets."""
