"""The report of a ladder: `report.json` for programs, `report.html` for people."""
