"""Live networks: the torch modules that families build. Opened only when one is built."""
