"""Evidence as one HTML page and as JSON, for people who were not there."""

from chatapp.proofs.report.files import write_json, write_page
from chatapp.proofs.report.page import as_page

__all__ = ["as_page", "write_json", "write_page"]
