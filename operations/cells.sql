-- How csv-profile reads one cell. Regular expressions are RE2's: linear, whatever the cell.

SET TimeZone = 'UTC';

CREATE MACRO trimmed(cell) AS trim(cell, 'BLANKS');

-- What stands for a missing value: the default `na_values` of pandas, and a cell of nothing but blanks.
CREATE MACRO is_missing(cell) AS trimmed(cell) IN (
    '', '#N/A', '#N/A N/A', '#NA', '-1.#IND', '-1.#QNAN', '-NaN', '-nan', '1.#IND', '1.#QNAN', '<NA>',
    'N/A', 'NA', 'NULL', 'NaN', 'None', 'n/a', 'nan', 'null');

-- A number as a 64-bit float; -0 is 0.
CREATE MACRO as_float(cell) AS CASE
    WHEN regexp_full_match(cell, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?')
     AND isfinite(try_cast(cell AS DOUBLE))
    THEN try_cast(cell AS DOUBLE) + 0.0 END;

-- A whole number, exactly: as many digits as 128 bits always hold.
CREATE MACRO is_integer(cell) AS regexp_full_match(cell, '[+-]?0*\d{1,38}');

-- Dates that can be read in one way only: year first, or the month by its English name.
CREATE MACRO as_date(cell) AS CASE
    WHEN regexp_full_match(cell, '\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d')
    THEN try_cast(replace(cell, '/', '-') AS DATE)
    WHEN regexp_full_match(
        cell, '[A-Za-z]{3,9}\.?[ -]\d{1,2}(, ?|[ -])\d{4}|\d{1,2}[ -][A-Za-z]{3,9}\.?,?[ -]\d{4}')
    THEN CAST(try_strptime(regexp_replace(cell, '[ .,-]+', ' ', 'g'),
        ['%b %d %Y', '%B %d %Y', '%d %b %Y', '%d %B %Y']) AS DATE) END;

-- A date and time to the second, in UTC where it has an offset.
CREATE MACRO as_utc(cell) AS try_cast(regexp_replace(
    replace(upper(cell), '/', '-'), '([.,]\d+)? ?(Z|UTC|[+-]\d\d(:?\d\d)?)?$',
    CASE WHEN regexp_matches(cell, ':.*[+-]\d') THEN '\2' ELSE '' END) AS TIMESTAMPTZ) AT TIME ZONE 'UTC';
CREATE MACRO as_moment(cell) AS CASE
    WHEN regexp_full_match(cell,
        '(\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d)[ Tt]([01]\d|2[0-3]):\d\d(:\d\d([.,]\d{1,9})?)?'
        || '( ?([Zz]|UTC|[+-]([01]\d|2[0-3])(:?[0-5]\d)?))?')
     AND year(as_utc(cell)) BETWEEN 0 AND 9999
    THEN as_utc(cell) END;

-- What follows the second: the fraction without the zeros that it ends in, and Z where there is an offset.
CREATE MACRO fraction(cell) AS rtrim(regexp_extract(cell, ':\d\d[.,](\d+)', 1), '0');
CREATE MACRO zone(cell) AS CASE WHEN regexp_matches(cell, ':.*([Zz]|UTC|[+-]\d\d(:?\d\d)?)$') THEN 'Z' ELSE '' END;

-- What has a decimal comma, it seems, and is text.
CREATE MACRO has_comma(cell) AS regexp_full_match(cell, '[+-]?\d+,\d+');

CREATE MACRO kind(cell) AS CASE
    WHEN is_integer(cell) THEN 'integer'
    WHEN regexp_full_match(cell, '[+-]?\d+') THEN 'string'
    WHEN as_float(cell) IS NOT NULL THEN 'number'
    WHEN lower(cell) IN ('true', 'false') THEN 'boolean'
    WHEN as_date(cell) IS NOT NULL THEN 'date'
    WHEN as_moment(cell) IS NOT NULL THEN 'datetime'
    ELSE 'string' END;
