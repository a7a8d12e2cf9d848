"""The data plane: FIBs, hop-by-hop walks, and the history of every client group's path."""
