"""The discrete-event run: routers, sessions, IGP and timeline as SimPy processes.

The only room that imports SimPy.
"""
