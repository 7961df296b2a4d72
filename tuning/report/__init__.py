"""The report of a search: one HTML page that needs nothing beside it, and TensorBoard's files.

from tuning.report.page import write_page
from tuning.report.record import read_record

write_page(read_record("runs/random-mlp30"), "report.html")
"""
