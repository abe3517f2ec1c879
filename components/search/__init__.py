"""How a served model finds what is near: candidates of a question, labelled rows of a text or picture.

`index` says what every index offers, `exact` compares with all, `partitions` with the nearest of many small parts,
which `clusters` makes; `choose` takes one by size and measures what it misses. `postings` is TF-IDF, which `similarity`
adds to the cosine. All of it is plain TensorFlow: TensorFlow Serving as it comes has no other operations linked in,
those of ScaNN neither.
"""
