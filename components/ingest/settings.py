"""What a config says about its data."""

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal["csv", "tsv", "jsonl", "parquet"]


class Columns(BaseModel):
    """Which column of the data plays which part in a `match` task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    PAIR: ClassVar[tuple[str, str]] = ("question", "answer")

    question: str = Field(default="question", min_length=1, description="Column with the text that is asked.")
    answer: str = Field(default="answer", min_length=1, description="Column with the text that answers it.")
    id: str | None = Field(
        default=None, min_length=1, description="Column with the row's name; without one a hash of question and answer."
    )
    category: str | None = Field(
        default=None,
        min_length=1,
        description="Column by which metrics are sliced; without one all rows are one slice.",
    )
    group: str | None = Field(
        default=None,
        min_length=1,
        description="Column whose equal values stay in one split; without one, rows with the same answer do.",
    )

    @property
    def by_role(self) -> dict[str, str]:
        """The columns that are mapped, by role: the pair first, then id, category and group where given."""
        roles = {role: getattr(self, role) for role in (*self.PAIR, "id", "category", "group")}
        return {role: column for role, column in roles.items() if column is not None}


class Splits(BaseModel):
    """How the groups of rows are divided: a split gets its number out of the sum of the three."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: int = Field(default=8, ge=1, le=10_000, description="Share of the groups that the encoder learns from.")
    validation: int = Field(default=1, ge=1, le=10_000, description="Share that picks the best epoch.")
    test: int = Field(default=1, ge=1, le=10_000, description="Share that judges the finished model.")

    @property
    def shares(self) -> dict[str, int]:
        """Share by split name, in the order in which hash buckets are dealt out."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class DataSettings(BaseModel):
    """Where the rows are and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(
        min_length=1,
        description="A file, a folder or a glob; `package:IMPORT_NAME/path/inside` for files of an installed package.",
    )
    format: Literal["auto", "csv", "tsv", "jsonl", "parquet"] = Field(
        default="auto", description="Format of the files; `auto` goes by the ending of their names. Text is UTF-8."
    )
    columns: Columns = Field(default=Columns(), description="Which column is what.")
    max_bad_fraction: float = Field(
        default=0.01, ge=0, le=1, description="The run stops when a larger part of the rows had to be set aside."
    )
    max_text_length: int = Field(
        default=10_000, ge=1, le=100_000, description="Rows with a longer text are set aside, in characters."
    )
    splits: Splits = Field(default=Splits(), description="How the rows are divided.")
