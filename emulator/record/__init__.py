"""What happened: the records of a run and the files they are kept in."""
