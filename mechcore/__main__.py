"""``python -m mechcore``."""

import atexit
import gc
import os
import sys

if __name__ == "__main__":
    # What imports make, some hundred thousand objects, lives on: looking through it ever again
    # takes a tenth of a job of seconds, and looking through it at the end a quarter of a cell's
    # job. A million dead objects are some 100 MB.
    gc.set_threshold(1_000_000)
    atexit.register(gc.freeze)
    # No command uses it, but xarray would take a quarter of a second to import it for its checks.
    sys.modules["dask"] = None  # type: ignore[assignment]

    from mechcore.cli import main
    from mechcore.jobs.ahead import FOLDER, run_ahead

    if FOLDER in os.environ:
        run_ahead(sys.argv[1:], main)
    else:
        main()
