"""torchrun that ends with who started it: `python -m videoperceiver_torch.launch ARGUMENTS OF TORCHRUN`."""

import os

from .worker import PARENT, die_with_parent

if __name__ == "__main__":
    # Before PyTorch is imported, which takes seconds.
    die_with_parent()
    os.environ[PARENT] = str(os.getpid())
    from torch.distributed.run import main

    main()
