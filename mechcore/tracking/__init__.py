"""MLflow as a view of the results, which can be deleted and rebuilt from the files at any time."""
