"""The worker of videoperceiver's torch engine: transformers' modules driven by plain batches over a socket."""
