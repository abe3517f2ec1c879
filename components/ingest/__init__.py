"""Rows of a user's files in, `tf.Example`s in three splits out; bad rows are set aside, not fatal.

The way of a row: `source` finds the files, `units` deals them out to workers, `rows` reads tables one row at a time
(`delimited`, `jsonl`, `parquet`) and `folders` the files of classes, `parse` makes a record or a reject of each and
reads `pictures`, `repeats` finds those that are there twice, `tally` counts, `dealer` picks the split, `shards`
writes; `executor` does all this with Beam; `summary` tells what happened and whether to go on.

- `settings.PairData`, `settings.LabelData`: what the user may say about the data of a task.
- `check.check_source`: everything that can be known to be wrong before a pipeline starts, in milliseconds.
- `component.example_gen`: the TFX component.
- `summary.Summary`: what became of the rows, read from the file SUMMARY_FILE beside the splits.
"""
