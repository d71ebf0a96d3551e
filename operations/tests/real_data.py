"""Photos and tables that packages ship, and what pandas says of a table."""

from pathlib import Path

import ascii_magic
import pandas
import pytest
import vega_datasets

from operations.profiles import ColumnProfile

FRACTIONS = {"p1": 0.01, "p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}
#: Photographs of a lion (JPEG, with EXIF and XMP) and of a hen (PNG, cut out, with a profile).
PHOTOS = [
    Path(ascii_magic.__file__).parent / "tests" / name
    for name in ("lion.jpg", "chicken_transparent.png")
]
VEGA = sorted(Path(vega_datasets.__file__).parent.glob("_data/*.csv"))


def as_pandas_does(found: ColumnProfile, series: "pandas.Series[object]") -> None:
    """Assert that a column's profile is what pandas says of it."""
    values = series.dropna()
    if found.type in ("date", "datetime"):
        moments = pandas.to_datetime(values)
        cut = len("2000-01-01") if found.type == "date" else None
        values = moments.map(lambda moment: moment.isoformat()[:cut])
    frequencies = values.value_counts()

    assert (found.name, found.count, found.nulls) == (series.name, len(values), series.isna().sum())
    assert found.distinct == values.nunique()
    assert (found.min, found.max) == (values.min(), values.max())
    assert [top.count for top in found.top] == frequencies.head(10).to_list()
    assert all(frequencies[top.value] == top.count for top in found.top)
    assert (found.type in ("integer", "number")) == pandas.api.types.is_numeric_dtype(series)
    if found.quantiles is not None:
        expected = values.quantile(list(FRACTIONS.values())).to_list()
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert [getattr(found.quantiles, p) for p in FRACTIONS] == pytest.approx(expected, 1e-12)
