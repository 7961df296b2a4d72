"""How well a network does: scores, intervals, diversity of votes, baselines and plots."""
