"""The filters of trained networks: read from weight files, taken apart, sent through layers."""
