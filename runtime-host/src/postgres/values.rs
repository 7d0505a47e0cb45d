//! From PostgreSQL's binary format to a guest's `db-value`.

use postgres_protocol::types as wire;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Row, Statement};

use super::bindings::{Column, DbDataType, DbValue, Error, Interval, RangeBoundKind};
use super::{numeric, time};

type Boxed = Box<dyn std::error::Error + Send + Sync>;
type Bounds<T> = (Option<(T, RangeBoundKind)>, Option<(T, RangeBoundKind)>);

/// The columns of a statement, known before its first row.
pub fn columns(statement: &Statement) -> Vec<Column> {
    statement
        .columns()
        .iter()
        .map(|column| Column { name: column.name().to_owned(), data_type: data_type(column.type_()) })
        .collect()
}

/// One row; a value that cannot be shown is a `value-conversion-failed`.
pub fn row(row: &Row) -> Result<Vec<DbValue>, Error> {
    (0..row.len())
        .map(|index| {
            row.try_get::<_, Cell>(index).map(|cell| cell.0).map_err(|error| {
                let reason = std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string);
                let column = row.columns()[index].name();
                Error::ValueConversionFailed(format!("column {column:?}: {reason}"))
            })
        })
        .collect()
}

fn data_type(ty: &Type) -> DbDataType {
    match *ty {
        Type::BOOL => DbDataType::Boolean,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::BYTEA => DbDataType::Binary,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(ty.name().to_owned()),
    }
}

/// A value of any type.
struct Cell(DbValue);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        decode(ty, raw).map(Cell)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Cell(DbValue::DbNull))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn decode(ty: &Type, raw: &[u8]) -> Result<DbValue, Boxed> {
    Ok(match *ty {
        // Text first: one JSON text per page is how components read fastest.
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => {
            DbValue::Str(wire::text_from_sql(raw)?.to_owned())
        }
        Type::BOOL => DbValue::Boolean(wire::bool_from_sql(raw)?),
        Type::INT2 => DbValue::Int16(wire::int2_from_sql(raw)?),
        Type::INT4 => DbValue::Int32(wire::int4_from_sql(raw)?),
        Type::INT8 => DbValue::Int64(wire::int8_from_sql(raw)?),
        Type::FLOAT4 => DbValue::Floating32(wire::float4_from_sql(raw)?),
        Type::FLOAT8 => DbValue::Floating64(wire::float8_from_sql(raw)?),
        Type::BYTEA => DbValue::Binary(raw.to_vec()),
        Type::DATE => DbValue::Date(time::date_from_days(wire::date_from_sql(raw)?)?),
        Type::TIME => DbValue::Time(time::time_from_micros(wire::time_from_sql(raw)?)?),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            DbValue::Datetime(time::datetime_from_micros(wire::timestamp_from_sql(raw)?)?)
        }
        Type::UUID => DbValue::Uuid(uuid::Uuid::from_bytes(wire::uuid_from_sql(raw)?).to_string()),
        Type::JSONB => match raw.split_first() {
            Some((1, text)) => DbValue::Jsonb(text.to_vec()),
            _ => return Err("jsonb in an unknown version of its format".into()),
        },
        Type::NUMERIC => DbValue::Decimal(numeric::decode(raw)?),
        Type::INT4_RANGE => DbValue::RangeInt32(range(raw, || 0, wire::int4_from_sql)?),
        Type::INT8_RANGE => DbValue::RangeInt64(range(raw, || 0, wire::int8_from_sql)?),
        Type::NUM_RANGE => DbValue::RangeDecimal(range(raw, || "0".into(), decimal)?),
        Type::INT4_ARRAY => DbValue::ArrayInt32(array(raw, wire::int4_from_sql)?),
        Type::INT8_ARRAY => DbValue::ArrayInt64(array(raw, wire::int8_from_sql)?),
        Type::NUMERIC_ARRAY => DbValue::ArrayDecimal(array(raw, decimal)?),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => {
            DbValue::ArrayStr(array(raw, |raw| Ok(wire::text_from_sql(raw)?.to_owned()))?)
        }
        Type::INTERVAL => DbValue::Interval(interval(raw)?),
        _ => DbValue::Unsupported(raw.to_vec()),
    })
}

fn decimal(raw: &[u8]) -> Result<String, Boxed> {
    Ok(numeric::decode(raw)?)
}

fn interval(raw: &[u8]) -> Result<Interval, Boxed> {
    let (Some(micros), Some(days), Some(months)) =
        (raw.first_chunk(), raw.get(8..12), raw.get(12..16))
    else {
        return Err("an interval is shorter than 16 bytes".into());
    };
    Ok(Interval {
        micros: i64::from_be_bytes(*micros),
        days: i32::from_be_bytes(days.try_into()?),
        months: i32::from_be_bytes(months.try_into()?),
    })
}

fn array<T>(
    raw: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, Boxed>,
) -> Result<Vec<Option<T>>, Boxed> {
    use fallible_iterator::FallibleIterator as _;

    let array = wire::array_from_sql(raw)?;
    if array.dimensions().count()? > 1 {
        return Err("arrays of several dimensions are not supported".into());
    }
    array.values().map(|value| value.map(&decode).transpose()).collect()
}

fn range<T>(
    raw: &[u8],
    zero: impl Fn() -> T,
    decode: impl Fn(&[u8]) -> Result<T, Boxed>,
) -> Result<Bounds<T>, Boxed> {
    let bound = |bound: wire::RangeBound<Option<&[u8]>>| -> Result<_, Boxed> {
        let (value, kind) = match bound {
            wire::RangeBound::Unbounded => return Ok(None),
            wire::RangeBound::Inclusive(value) => (value, RangeBoundKind::Inclusive),
            wire::RangeBound::Exclusive(value) => (value, RangeBoundKind::Exclusive),
        };
        value.map(|raw| Ok((decode(raw)?, kind))).transpose()
    };
    match wire::range_from_sql(raw)? {
        // The interface has no word for it, but (0,0) is empty in PostgreSQL too.
        wire::Range::Empty => Ok((
            Some((zero(), RangeBoundKind::Exclusive)),
            Some((zero(), RangeBoundKind::Exclusive)),
        )),
        wire::Range::Nonempty(lower, upper) => Ok((bound(lower)?, bound(upper)?)),
    }
}
