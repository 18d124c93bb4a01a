"""The column types of the tables."""

from sqlalchemy import BigInteger, Integer
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from storage.tables.columns import big, number


class SampleRow(SQLModel, table=True):
    __tablename__ = "test_columns_samples"
    metadata = SQLModel.metadata.__class__()

    id: int | None = number()
    required: int = big()
    counter: int = big(0)
    optional: int | None = big(None, index=True)


COLUMNS = SampleRow.__table__.columns  # type: ignore[attr-defined]


def test_numbers_have_64_bits_on_both_databases() -> None:
    for column in COLUMNS:
        assert isinstance(column.type.dialect_impl(postgresql.dialect()), BigInteger), column  # type: ignore[no-untyped-call]
        assert isinstance(column.type.dialect_impl(sqlite.dialect()), Integer), column


def test_database_has_the_default_of_a_number() -> None:
    assert COLUMNS["counter"].server_default.arg == "0"
    assert COLUMNS["required"].server_default is None
    assert COLUMNS["optional"].server_default is None


def test_only_optional_numbers_may_be_null() -> None:
    assert [column.name for column in COLUMNS if column.nullable] == ["optional"]
    assert COLUMNS["optional"].index


def test_row_id_is_the_primary_key() -> None:
    assert [column.name for column in SampleRow.__table__.primary_key] == ["id"]  # type: ignore[attr-defined]
