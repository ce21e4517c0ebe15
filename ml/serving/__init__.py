"""Serving: whatever judges patients' pictures, from a network's specification to a calibrated answer.

The engine's one door to the science: `judging` (predict and explain), `gating`, `registration`,
`specification` and `device`. It never imports what trains, evaluates or reports.
"""
