-- What csv-profile says of the columns from $first to before $after. `counted` has their cells, and how
-- often each occurs, in parts. What is materialized can go to the disk.

WITH readings AS MATERIALIZED (
    SELECT col, cell, n, kind(trimmed(cell)) AS kind
    FROM (SELECT col, cell, sum(n)::BIGINT AS n FROM counted WHERE col >= $first AND col < $after GROUP BY col, cell)
    WHERE NOT is_missing(cell)),

types AS MATERIALIZED (
    SELECT col, kinds, list_sort(map_keys(kinds)) AS names, has_commas, CASE
        WHEN len(names) = 1 THEN names[1]
        WHEN names = ['integer', 'number'] THEN 'number'
        WHEN names = ['date', 'datetime'] THEN 'datetime'
        ELSE 'string' END AS type
    FROM (
        SELECT col, map_from_entries(list((kind, n) ORDER BY n DESC, kind)) AS kinds, bool_and(has_commas) AS has_commas
        FROM (
            SELECT col, kind, sum(n)::BIGINT AS n, bool_and(kind = 'integer' OR has_comma(trimmed(cell))) AS has_commas
            FROM readings GROUP BY col, kind)
        GROUP BY col)),

-- Cells as values of their column's type; cells that are spelled differently can be one value.
-- Values are ordered by `whole`, a whole number or nanoseconds; then by `number`; then as text.
"values" AS MATERIALIZED (
    SELECT col, value, sum(n)::BIGINT AS n, any_value(whole) AS whole, any_value(number) AS number
    FROM (
        SELECT col, n,
            CASE WHEN type IN ('integer', 'number') THEN as_float(text) END AS number,
            CASE WHEN type IN ('date', 'datetime')
                THEN coalesce(as_date(text)::TIMESTAMP, as_moment(text)) END AS moment,
            CASE WHEN type = 'integer' THEN try_cast(regexp_extract(text, '[+-]?\d+') AS HUGEINT)
                ELSE epoch_us(moment)::HUGEINT * 1000 + rpad(fraction(text), 9, '0')::INTEGER END AS whole,
            CASE type
                WHEN 'integer' THEN whole::VARCHAR
                WHEN 'number' THEN number::VARCHAR
                WHEN 'boolean' THEN lower(text)
                WHEN 'date' THEN strftime(moment, '%Y-%m-%d')
                WHEN 'datetime' THEN strftime(moment, '%Y-%m-%dT%H:%M:%S')
                    || rtrim('.' || fraction(text), '.') || zone(text)
                ELSE cell END AS value
        FROM (SELECT col, cell, n, trimmed(cell) AS text, type FROM readings JOIN types USING (col)))
    GROUP BY col, value),

-- Linearly interpolated (type 7 of Hyndman and Fan, as pandas does).
quantiles AS (
    SELECT col, list(CASE WHEN isfinite(high - low) THEN low + part * (high - low)
        ELSE low * (1 - part) + high * part END ORDER BY share) AS quantiles
    FROM (
        SELECT col, share, any_value(share * last % 1) AS part,
            min(number) FILTER (upto > floor(share * last)) AS low,
            min(number) FILTER (upto > ceil(share * last)) AS high
        FROM (
            SELECT col, number, sum(n) OVER (PARTITION BY col) - 1 AS last,
                sum(n) OVER (PARTITION BY col ORDER BY number, whole ROWS UNBOUNDED PRECEDING) AS upto
            FROM "values" WHERE number IS NOT NULL),
            unnest([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]) AS shares(share)
        GROUP BY col, share)
    GROUP BY col)

SELECT col, any_value(type), any_value(kinds), sum(n)::BIGINT, count(*),
    min(place).value, max(place).value,
    CASE WHEN max(abs(number)) > 1e290 THEN fsum(number / 2 ** 70 * n) / sum(n) * 2 ** 70  -- not to overflow
        ELSE fsum(number * n) / sum(n) END,
    any_value(quantiles),
    min_by({'value': value, 'n': n}, {'rarity': -n, 'place': place}, $top),
    any_value(has_commas)
FROM (SELECT *, {'whole': whole, 'number': number, 'value': value} AS place FROM "values")
JOIN types USING (col) LEFT JOIN quantiles USING (col) GROUP BY col;
