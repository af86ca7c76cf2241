"""The paper's claims as criteria on results, and their verdicts."""
