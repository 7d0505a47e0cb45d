//! From PostgreSQL's binary format to a guest's `db-value`.

use postgres_protocol::types as wire;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Row, Statement};

use crate::bindings::{Column, DbDataType, DbValue, Error, Interval, RangeBoundKind};
use crate::{numeric, time};

type Boxed = Box<dyn std::error::Error + Send + Sync>;
type Bounds<T> = (Option<(T, RangeBoundKind)>, Option<(T, RangeBoundKind)>);

/// The columns of a statement, known before its first row.
pub fn columns(statement: &Statement) -> Vec<Column> {
    statement
        .columns()
        .iter()
        .map(|column| Column {
            name: column.name().to_owned(),
            data_type: data_type(column.type_()),
        })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_postgres::types::Kind;

    use super::*;
    use crate::bindings::ParameterValue as P;
    use crate::params;

    /// What the database would give back for a parameter of this type.
    fn echo(ty: &Type, value: &P) -> Result<DbValue, String> {
        match params::encode(value, ty)?.0 {
            Some(raw) => decode(ty, &raw).map_err(|error| error.to_string()),
            None => Ok(DbValue::DbNull),
        }
    }

    fn shown(ty: &Type, value: &P) -> String {
        format!("{:?}", echo(ty, value).unwrap())
    }

    #[test]
    fn values_of_every_type_survive() {
        use RangeBoundKind::{Exclusive, Inclusive};
        let cases = [
            (Type::BOOL, P::Boolean(true), "Boolean(true)"),
            (Type::INT2, P::Int16(-3), "Int16(-3)"),
            (Type::FLOAT4, P::Floating32(1.5), "Floating32(1.5)"),
            (Type::FLOAT8, P::Floating64(-0.0), "Floating64(-0.0)"),
            (Type::BYTEA, P::Binary(vec![0, 255]), "Binary([0, 255])"),
            (Type::DATE, P::Date((1969, 12, 31)), "Date((1969, 12, 31))"),
            (Type::TIME, P::Time((1, 2, 3, 4000)), "Time((1, 2, 3, 4000))"),
            (Type::TIMESTAMPTZ, P::Timestamp(0), "Datetime((1970, 1, 1, 0, 0, 0, 0))"),
            (Type::JSONB, P::Jsonb(b"[1]".to_vec()), "Jsonb([91, 49, 93])"),
            (Type::NUMERIC, P::Decimal("-1.50".into()), "Decimal(\"-1.50\")"),
            (
                Type::INT4_RANGE,
                P::RangeInt32((Some((1, Inclusive)), Some((5, Exclusive)))),
                "RangeInt32((Some((1, RangeBoundKind::Inclusive)), Some((5, RangeBoundKind::Exclusive))))",
            ),
            (
                Type::NUM_RANGE,
                P::RangeDecimal((None, Some(("0.5".into(), Inclusive)))),
                "RangeDecimal((None, Some((\"0.5\", RangeBoundKind::Inclusive))))",
            ),
            (
                Type::TEXT_ARRAY,
                P::ArrayStr(vec![Some("a".into()), None]),
                "ArrayStr([Some(\"a\"), None])",
            ),
            (Type::INT8_ARRAY, P::ArrayInt64(vec![]), "ArrayInt64([])"),
            (
                Type::INTERVAL,
                P::Interval(Interval { micros: 1, days: -2, months: 3 }),
                "Interval(Interval { micros: 1, days: -2, months: 3 })",
            ),
            (Type::TEXT, P::DbNull, "DbNull"),
        ];
        for (ty, value, expected) in cases {
            assert_eq!(shown(&ty, &value), format!("DbValue::{expected}"));
        }
    }

    #[test]
    fn texts_in_an_array_are_written_as_they_are_alone() {
        let ltree = Type::new("ltree".into(), 90_001, Kind::Simple, "public".into());
        let array = Kind::Array(ltree.clone());
        let array = Type::new("_ltree".into(), 90_002, array, "public".into());
        let raw = |ty: &Type, value: &P| params::encode(value, ty).unwrap().0.unwrap();
        let alone = raw(&ltree, &P::Str("a.b".into()));
        let several = raw(&array, &P::ArrayStr(vec![Some("a.b".into())]));
        assert!(several.ends_with(&alone) && alone.len() == 4, "{alone:?} {several:?}");
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name() {
        assert_eq!(
            echo(&Type::INT8, &P::Int32(1)).unwrap_err(),
            "a value of type int32 does not fit PostgreSQL's int8"
        );
        assert!(
            echo(&Type::JSONB, &P::Jsonb(b"{".to_vec())).unwrap_err().contains("not valid JSON")
        );
        assert!(echo(&Type::UUID, &P::Uuid("x".into())).unwrap_err().contains("not a UUID"));
    }

    #[test]
    fn an_empty_range_reads_as_an_empty_one() {
        let empty = decode(&Type::INT4_RANGE, &[1]).unwrap();
        assert!(matches!(
            empty,
            DbValue::RangeInt32((
                Some((0, RangeBoundKind::Exclusive)),
                Some((0, RangeBoundKind::Exclusive))
            ))
        ));
    }

    proptest! {
        #[test]
        fn numbers_and_texts_survive(int: i32, long: i64, text in "\\PC{0,40}") {
            prop_assert_eq!(shown(&Type::INT4, &P::Int32(int)), format!("DbValue::Int32({int})"));
            prop_assert_eq!(shown(&Type::INT8, &P::Int64(long)), format!("DbValue::Int64({long})"));
            prop_assert_eq!(shown(&Type::TEXT, &P::Str(text.clone())), format!("DbValue::Str({text:?})"));
        }

        #[test]
        fn arrays_survive(values: Vec<Option<i32>>) {
            let expected = format!("DbValue::ArrayInt32({values:?})");
            prop_assert_eq!(shown(&Type::INT4_ARRAY, &P::ArrayInt32(values)), expected);
        }

        #[test]
        fn random_bytes_never_panic(raw in proptest::collection::vec(any::<u8>(), 0..48), index in 0..20_usize) {
            let types = [
                Type::BOOL, Type::INT2, Type::INT4, Type::INT8, Type::FLOAT4, Type::FLOAT8, Type::TEXT,
                Type::DATE, Type::TIME, Type::TIMESTAMP, Type::UUID, Type::JSONB, Type::NUMERIC,
                Type::INT4_RANGE, Type::NUM_RANGE, Type::INT4_ARRAY, Type::NUMERIC_ARRAY,
                Type::TEXT_ARRAY, Type::INTERVAL, Type::INET,
            ];
            let _ = decode(&types[index], &raw);
        }
    }
}
