"""MLflow as a view of the results."""
