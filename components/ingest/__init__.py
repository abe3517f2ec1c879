"""Rows of a user's files in, `tf.Example`s in three splits out; bad rows are set aside, not fatal.

The way of a row: `source` finds the files, `rows` reads them one row at a time (`delimited`, `jsonl`, `parquet`),
`parse` makes a record or a reject of each, `repeats` finds those that are there twice, `tally` counts, `dealer` picks
the split, `shards` writes; `executor` does all this with Beam; `summary` tells what happened and whether to go on.

- `settings.DataSettings`: what the user may say about the data.
- `check.check_source`: everything that can be known to be wrong before a pipeline starts, in milliseconds.
- `component.example_gen`: the TFX component.
- `summary.Summary`: what became of the rows, read from the file SUMMARY_FILE beside the splits.

Another kind of row (text and label) is another columns model beside `settings.Columns`; another kind of file is
another reader beside `delimited`.
"""
