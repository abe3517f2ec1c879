"""`anchorline report`: one self-contained HTML file of the last judged run.

The way of a report: `stored` finds the run and its artifacts in the metadata store; `rows` reads test rows and `model`
asks the SavedModel about them; the pure functions of `calibration`, `confusion`, `cases`, `ranking`, `projection`,
`distribution`, `curves`, `figures`, `lineage` make small dataclasses of that, which `charts` draws, and `show` makes
texts and pictures small; `gather` (with `gather_classify`, `gather_match`, `vectors_map`) puts them into a
`page.Page`, and `render` makes HTML of it. `command` is what the command line calls.
"""
