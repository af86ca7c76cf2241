"""The figures of the report; `registry` lists them."""
