"""From vendor files to client letters: the stations of a rule-based investment service."""

import os

# One thread a worker: many small products spin-wait on each other otherwise, and sums would depend on the machine.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
