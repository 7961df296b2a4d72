"""The report of a search: one HTML page that needs nothing beside it, and TensorBoard's files.

from tuning.reporting.page import write_page
from tuning.reporting.record import read_record

write_page(read_record("runs/random-mlp30"), "report.html")
"""
