"""Rows of Parquet files: only the columns asked for, a thousand rows at a time.

What is held is at most these columns of one row group, still compressed; how large a group is, its writer has chosen.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from components.ingest.columns import positions
from components.ingest.errors import DataError
from components.ingest.rows import DAMAGED, Reject, Row, reject

_BATCH = 1000  # rows


def read_parquet(path: str, columns: Sequence[str]) -> Iterator[Row | Reject]:
    """Yields the rows. See `rows.read_rows`.

    Where the file is damaged in the middle, the first row that cannot be read comes as a Reject with the reason
    DAMAGED, and the file ends there.

    Raises:
        DataError: the file does not open, or one of `columns` is missing or is neither text nor whole numbers.
    """
    with _open(path) as file:
        _check_types(path, file.schema_arrow, columns)
        row = 0
        try:
            for batch in file.iter_batches(_BATCH, columns=list(columns)):
                for values in zip(*(_cells(batch.column(column)) for column in columns), strict=True):
                    row += 1
                    yield _row(row, values)
        except (pa.ArrowException, OSError) as error:
            yield reject(row + 1, DAMAGED, str(error).replace("\n", " "), "")


def _open(path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)  # not with buffer_size: pyarrow 18 then fails on sound files
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} does not open as a Parquet file: {error}.") from error


def _check_types(path: str, schema: pa.Schema, columns: Sequence[str]) -> None:
    for column, index in zip(columns, positions(path, schema.names, columns), strict=True):
        type_ = schema.field(index).type
        if not (_is_text(type_) or pa.types.is_integer(type_) or pa.types.is_null(type_)):
            raise DataError(f"Column {column!r} of {path} has the type {type_}; it must be text or whole numbers.")


def _is_text(type_: pa.DataType) -> bool:
    if pa.types.is_dictionary(type_):
        return _is_text(type_.value_type)
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


def _cells(cells: pa.Array) -> list[object]:
    """The cells, texts still as bytes, because one that is not UTF-8 must not take the others with it."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if _is_text(cells.type):
        cells = cells.cast(pa.large_binary())
    return cells.to_pylist()


def _row(number: int, values: tuple[object, ...]) -> Row | Reject:
    try:
        return Row(number, tuple(value.decode() if isinstance(value, bytes) else value for value in values))
    except UnicodeDecodeError as error:
        text = " | ".join(value.decode(errors="replace") for value in values if isinstance(value, bytes))
        return reject(number, "not UTF-8", f"byte 0x{error.object[error.start]:02x}", text)
