"""The embedded stack: everything one machine needs, under one supervisor.

python -m portal.operations.stack run              prepare, start, watch, stop
python -m portal.operations.stack prepare          database, static files, model, demo
"""
