"""torchrun that ends with who started it: `python -m videoperceiver_torch.launch ARGUMENTS OF TORCHRUN`."""

import os
import sys
from functools import partial
from subprocess import Popen

from .parent import PARENT, die_with_parent

if __name__ == "__main__":
    # Before PyTorch is imported, which takes seconds.
    die_with_parent()
    os.environ[PARENT] = str(os.getpid())
    from torch.distributed.elastic.multiprocessing.subprocess_handler import subprocess_handler
    from torch.distributed.run import main

    if sys.platform == "linux":
        # In the rank before it is a program of its own: one that is stopped in its first moment ends with us too.
        subprocess_handler.Popen = partial(Popen, preexec_fn=die_with_parent)
    main()
