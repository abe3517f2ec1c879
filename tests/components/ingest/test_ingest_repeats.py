"""Repeated rows, buckets and tallies."""

from collections import Counter

from components.ingest.repeats import Buckets, digest, find_repeats
from components.ingest.rows import Reject
from components.ingest.tally import MAX_LISTED, Tally

A, B = digest("ask"), digest("beg")
X, Y = digest("x"), digest("y")


def test_the_first_of_equal_pairs_is_kept_in_whatever_order_they_come() -> None:
    entries = [
        (A + X, 1, 9, "test"),
        (A + Y, 0, 8, "test"),
        (A + X, 0, 30, "train"),
        (A + X, 1, 2, "train"),
        (B + X, 0, 5, "train"),
        (A + X, 0, 7, "validation"),
    ]
    for order in (entries, entries[::-1], entries[3:] + entries[:3]):
        tally = Tally()
        repeats = sorted((file, line) for _, file, line, _ in find_repeats(order, "question", tally))
        assert repeats == [(0, 30), (1, 2), (1, 9)]
        assert tally == Tally(duplicates=3, kept=Counter(train=1, test=1, validation=1), distinct=Counter(question=2))


def test_buckets_hand_out_everything_once_and_keep_a_key_together() -> None:
    buckets = Buckets[tuple[bytes, int]]("kind")
    texts = [digest(str(number % 700)) for number in range(40_000)]
    sent = [batch for number, key in enumerate(texts) for batch in buckets.add(key, (key, number))]
    assert len(sent) > 100
    sent += buckets.rest()
    assert sorted(number for _, batch in sent for _, number in batch) == list(range(40_000))
    homes = {(key, name) for name, batch in sent for key, _ in batch}
    assert len(homes) == len({key for key, _ in homes}) == 700
    assert len({name for _, name in homes}) == 64


def test_tallies_add_up_in_any_order() -> None:
    one, other = Tally(rows=5, duplicates=1, kept=Counter(train=2)), Tally(rows=3, kept=Counter(test=1))
    one.set_aside(1, Reject(4, "empty answer", "", "a"))
    one.set_aside(1, Reject(9, "no answer", "", "b"))
    other.set_aside(0, Reject(8, "empty answer", "", "c"))
    for total in (Tally().add(one).add(other), Tally().add(other).add(one)):
        assert (total.rows, total.duplicates, total.kept) == (8, 1, Counter(train=2, test=1))
        assert total.rejected == Counter({"empty answer": 2, "no answer": 1})
        assert total.first == {"empty answer": (0, 8), "no answer": (1, 9)}
        assert [(file, reject.line) for file, reject in total.listed] == [(0, 8), (1, 4), (1, 9)]


def test_only_so_many_rejects_are_listed_but_all_are_counted() -> None:
    tally, more = Tally(), Tally()
    for line in range(MAX_LISTED + 5):
        tally.set_aside(1, Reject(line, "no answer", "", ""))
    more.set_aside(0, Reject(70, "no answer", "", ""))
    tally.add(more)
    assert tally.rejected.total() == MAX_LISTED + 6
    assert len(tally.listed) == MAX_LISTED
    assert tally.listed[0][0] == 0
