"""A scenario played on real routing daemons, and their routes held against the emulator's."""
