"""AS-level graphs of the whole Internet: in arrays, from files, from a generator."""
