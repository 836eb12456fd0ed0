"""Sample files of each format, which `tests.lab_files` writes."""
