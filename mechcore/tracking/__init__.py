"""Results into MLflow: what its runs are made of, and the one module that knows it."""
