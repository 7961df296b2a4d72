"""Campaigns: bad input and kills by the thousand, at every boundary; `make campaign` runs them."""
