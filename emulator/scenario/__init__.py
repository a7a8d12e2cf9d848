"""From a scenario file to what a run needs: its shape, its form with every error located, its meaning."""
