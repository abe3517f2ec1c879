"""What a config says about its data: pairs for `match`, labelled inputs for `classify`; texts or pictures."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal, TypeIs, get_args

from pydantic import BaseModel, ConfigDict, Field

from components.parts import Kind, Modality, Side

TableFormat = Literal["csv", "tsv", "jsonl", "parquet"]
FolderFormat = Literal["images", "texts"]
Format = Literal[TableFormat, FolderFormat]


def is_folder(format_: object) -> TypeIs[FolderFormat]:
    """Whether rows are files in folders of classes, and not rows of tables."""
    return format_ in get_args(FolderFormat)


Column = Annotated[str, Field(min_length=1)]


class _Columns(BaseModel):
    """Columns that any table may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Column | None = Field(default=None, description="Column with the row's name; by default a hash, or the path.")
    category: Column | None = Field(
        default=None, description="Column by which metrics are sliced; without one all rows are one slice."
    )


class PairColumns(_Columns):
    """Which column plays which part in a `match` task."""

    question: Column = Field(default="question", description="Column with what is asked.")
    answer: Column = Field(default="answer", description="Column with what answers it.")
    group: Column | None = Field(
        default=None,
        description="Column whose equal values stay in one split; without one, rows with the same answer do.",
    )


class LabelColumns(_Columns):
    """Which column plays which part in a `classify` task."""

    text: Column = Field(default="text", description="Column with the text, where texts are classified.")
    image: Column | None = Field(
        default=None, description="Column with the picture's path; texts are classified where there is none."
    )
    label: Column = Field(default="label", description="Column with the right class.")
    group: Column | None = Field(
        default=None, description="Column whose equal values stay in one split; without one, equal inputs do."
    )


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

    GROUPED_BY: ClassVar[int]
    """Which of the two parts keeps rows in one split when no column does, and, where it is a picture, names the row."""

    path: str = Field(
        min_length=1,
        description="A file, a folder or a glob; `package:IMPORT_NAME/path/inside` for files of an installed package.",
    )
    loader: str | None = Field(
        default=None,
        min_length=1,
        description="A Python file whose function `load(folder)` writes the data into the folder `path` where it is "
        "not there yet.",
    )
    format: Literal["auto", Format]
    columns: _Columns
    image_folder: str | None = Field(
        default=None, description="Folder that paths of pictures are relative to and stay in; by default the table's."
    )
    max_bad_fraction: float = Field(
        default=0.01, ge=0, le=1, description="The run stops when a larger part of the rows had to be set aside."
    )
    max_text_length: int = Field(
        default=10_000, ge=1, le=100_000, description="Rows with a longer text are set aside, in characters."
    )
    max_pixels: int = Field(
        default=25_000_000, ge=1, le=25_000_000, description="Larger pictures are set aside: width × height."
    )
    splits: Splits = Field(default=Splits(), description="How the rows are divided.")

    @property
    @abstractmethod
    def parts(self) -> dict[str, Kind]:
        """The two values of a row by name, and what each is; input first, then what belongs to it."""

    @property
    def inputs(self) -> dict[str, Modality]:
        """The parts that an encoder reads."""
        return {name: kind for name, kind in self.parts.items() if kind != "label"}

    @property
    def by_role(self) -> dict[str, str]:
        """The columns that are mapped, by role: the parts first, then id, category and group where given."""
        roles = {role: getattr(self.columns, role) for role in (*self.parts, "id", "category", "group")}
        return {role: column for role, column in roles.items() if column is not None}


class PairData(DataSettings):
    """Pairs of a question and its answer, each a text or a picture."""

    GROUPED_BY = 1

    format: Literal["auto", TableFormat] = Field(
        default="auto", description="Format of the files; `auto` goes by the ending of their names. Text is UTF-8."
    )
    columns: PairColumns = Field(default=PairColumns(), description="Which column is what.")
    images: tuple[Side, ...] = Field(
        default=(), description="Which of `question` and `answer` are pictures: their columns hold paths."
    )

    @property
    def parts(self) -> dict[str, Kind]:
        """`question` and `answer`."""
        return {side: "image" if side in self.images else "text" for side in ("question", "answer")}


class LabelData(DataSettings):
    """Texts or pictures, each with its class."""

    GROUPED_BY = 0

    format: Literal["auto", Format] = Field(
        default="auto",
        description="Format of the files; `auto` goes by the ending of their names. `images` and `texts` are folders: "
        "`PATH/LABEL/FILE`. Text is UTF-8.",
    )
    columns: LabelColumns = Field(default=LabelColumns(), description="Which column is what; folders have none.")

    @property
    def parts(self) -> dict[str, Kind]:
        """`text` or `image`, and `label`."""
        pictures = self.format == "images" or (self.format != "texts" and self.columns.image is not None)
        return {"image": "image", "label": "label"} if pictures else {"text": "text", "label": "label"}

    @property
    def by_role(self) -> dict[str, str]:
        """The columns of a table; of a folder what its paths tell."""
        return {role: role for role in (*self.parts, "id")} if is_folder(self.format) else super().by_role
