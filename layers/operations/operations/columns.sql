-- What csv-profile says of columns. `cells` has the different cells of each column, and how often each occurs.

CREATE OR REPLACE TEMP TABLE readings AS
SELECT col, cell, n, kind(trimmed(cell)) AS kind FROM cells WHERE NOT is_missing(cell);

CREATE OR REPLACE TEMP TABLE types AS
SELECT col, kinds, list_sort(map_keys(kinds)) AS names, CASE
    WHEN len(names) = 1 THEN names[1]
    WHEN names = ['integer', 'number'] THEN 'number'
    WHEN names = ['date', 'datetime'] THEN 'datetime'
    ELSE 'string' END AS type
FROM (
    SELECT col, map_from_entries(list((kind, n) ORDER BY n DESC, kind)) AS kinds
    FROM (SELECT col, kind, sum(n)::BIGINT AS n FROM readings GROUP BY col, kind) GROUP BY col);

-- Cells as values of their column's type; cells that are spelled differently can be one value.
-- Values are ordered by number, whole, moment and part before their text.
CREATE OR REPLACE TEMP TABLE "values" AS
SELECT col, value, sum(n)::BIGINT AS n, any_value(number) AS number, any_value(whole) AS whole,
    any_value(moment) AS moment, any_value(part) AS part
FROM (
    SELECT col, n,
        CASE WHEN type IN ('integer', 'number') THEN as_float(text) END AS number,
        CASE WHEN type = 'integer' THEN try_cast(regexp_extract(text, '[+-]?\d+') AS HUGEINT) END AS whole,
        CASE WHEN type IN ('date', 'datetime')
            THEN coalesce(as_date(text)::TIMESTAMP, as_moment(text)) END AS moment,
        CASE WHEN type = 'datetime' THEN fraction(text) END AS part,
        CASE type
            WHEN 'integer' THEN whole::VARCHAR
            WHEN 'number' THEN number::VARCHAR
            WHEN 'boolean' THEN lower(text)
            WHEN 'date' THEN strftime(moment, '%Y-%m-%d')
            WHEN 'datetime' THEN strftime(moment, '%Y-%m-%dT%H:%M:%S')
                || CASE WHEN part = '' THEN '' ELSE '.' || part END || zone(text)
            ELSE cell END AS value
    FROM (SELECT col, cell, n, trimmed(cell) AS text, type FROM readings JOIN types USING (col)))
GROUP BY col, value;

-- Linearly interpolated (type 7 of Hyndman and Fan, as pandas does).
CREATE OR REPLACE TEMP TABLE quantiles AS
WITH ranked AS (
    SELECT col, number, sum(n) OVER upwards AS upto, sum(n) OVER (PARTITION BY col) - 1 AS last
    FROM "values" WHERE number IS NOT NULL
    WINDOW upwards AS (PARTITION BY col ORDER BY number, whole ROWS UNBOUNDED PRECEDING))
SELECT col, [quantile(number, upto, last, 0.01), quantile(number, upto, last, 0.05), quantile(number, upto, last, 0.25),
    quantile(number, upto, last, 0.5), quantile(number, upto, last, 0.75),
    quantile(number, upto, last, 0.95), quantile(number, upto, last, 0.99)] AS quantiles
FROM ranked GROUP BY col;

SELECT col, any_value(type), any_value(kinds), sum(n)::BIGINT, count(*),
    min(place).value, max(place).value,
    CASE WHEN max(abs(number)) > 1e290 THEN fsum(number / 2 ** 70 * n) / sum(n) * 2 ** 70  -- not to overflow
        ELSE fsum(number * n) / sum(n) END,
    any_value(quantiles),
    min_by({'value': value, 'n': n}, {'rarity': -n, 'place': place}, $top)
FROM (
    SELECT *, {'number': number, 'whole': whole, 'moment': moment, 'part': part, 'value': value} AS place
    FROM "values")
JOIN types USING (col) LEFT JOIN quantiles USING (col) GROUP BY col;
