"""torchrun that ends with who started it: `python -m videoperceiver_torch.launch ARGUMENTS OF TORCHRUN`."""

from torch.distributed.run import main

from .worker import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    main()
