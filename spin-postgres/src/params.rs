//! From a guest's `parameter-value` to PostgreSQL's binary format.
//!
//! Types are matched as strictly as Spin matches them (an `int32` does not fit
//! an `int8` column), so that a component that runs here runs there.

use bytes::{BufMut, BytesMut};
use postgres_protocol::types as wire;
use tokio_postgres::Statement;
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::bindings::{Error, Interval, ParameterValue, RangeBoundKind};
use crate::{numeric, time};

type Boxed = Box<dyn std::error::Error + Send + Sync>;
type Bounds<T> = (Option<(T, RangeBoundKind)>, Option<(T, RangeBoundKind)>);

/// A parameter already in binary format; `None` is `NULL`.
#[derive(Debug, Clone)]
pub struct Encoded(pub(super) Option<BytesMut>);

impl ToSql for Encoded {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        Ok(match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Encodes all parameters of a statement. Any mistake is a `bad-parameter`
/// that names the parameter by its number.
pub fn encode_all(statement: &Statement, values: &[ParameterValue]) -> Result<Vec<Encoded>, Error> {
    let types = statement.params();
    if types.len() != values.len() {
        return Err(Error::BadParameter(format!(
            "the statement has {} parameters, but {} were given",
            types.len(),
            values.len()
        )));
    }
    std::iter::zip(values, types)
        .enumerate()
        .map(|(index, (value, ty))| {
            encode(value, ty).map_err(|reason| {
                Error::BadParameter(format!("parameter ${}: {reason}", index + 1))
            })
        })
        .collect()
}

pub(super) fn encode(value: &ParameterValue, ty: &Type) -> Result<Encoded, String> {
    use ParameterValue as P;
    let mut out = BytesMut::new();
    let buf = &mut out;
    match (value, ty) {
        (P::DbNull, _) => return Ok(Encoded(None)),
        (P::Boolean(v), &Type::BOOL) => wire::bool_to_sql(*v, buf),
        (P::Int8(v), &Type::CHAR) => wire::char_to_sql(*v, buf),
        (P::Int16(v), &Type::INT2) => wire::int2_to_sql(*v, buf),
        (P::Int32(v), &Type::INT4) => wire::int4_to_sql(*v, buf),
        (P::Int64(v), &Type::INT8) => wire::int8_to_sql(*v, buf),
        (P::Floating32(v), &Type::FLOAT4) => wire::float4_to_sql(*v, buf),
        (P::Floating64(v), &Type::FLOAT8) => wire::float8_to_sql(*v, buf),
        (P::Str(v), ty) if <&str as ToSql>::accepts(ty) => {
            v.as_str().to_sql(ty, buf).map_err(|error| error.to_string())?;
        }
        (P::Binary(v), &Type::BYTEA) => wire::bytea_to_sql(v, buf),
        (P::Date(v), &Type::DATE) => wire::date_to_sql(time::days(*v)?, buf),
        (P::Time(v), &Type::TIME) => wire::time_to_sql(time::micros_of_day(*v)?, buf),
        (P::Datetime(v), &Type::TIMESTAMP) => wire::timestamp_to_sql(time::micros(*v)?, buf),
        (P::Timestamp(v), &Type::TIMESTAMPTZ) => {
            wire::timestamp_to_sql(time::micros_of_unix(*v)?, buf);
        }
        (P::Uuid(v), &Type::UUID) => {
            let uuid = uuid::Uuid::parse_str(v).map_err(|_| format!("{v:?} is not a UUID"))?;
            wire::uuid_to_sql(uuid.into_bytes(), buf);
        }
        (P::Jsonb(v), &Type::JSON | &Type::JSONB) => json(v, ty, buf)?,
        (P::Decimal(v), &Type::NUMERIC) => numeric::encode(v, buf)?,
        (P::RangeInt32(v), &Type::INT4_RANGE) => range(v, buf, |v, buf| {
            wire::int4_to_sql(*v, buf);
            Ok(())
        })?,
        (P::RangeInt64(v), &Type::INT8_RANGE) => range(v, buf, |v, buf| {
            wire::int8_to_sql(*v, buf);
            Ok(())
        })?,
        (P::RangeDecimal(v), &Type::NUM_RANGE) => range(v, buf, |v, buf| numeric::encode(v, buf))?,
        (P::ArrayInt32(v), ty) if member(ty) == Some(&Type::INT4) => {
            array(v, ty, buf, |v, buf| {
                wire::int4_to_sql(*v, buf);
                Ok(())
            })?;
        }
        (P::ArrayInt64(v), ty) if member(ty) == Some(&Type::INT8) => {
            array(v, ty, buf, |v, buf| {
                wire::int8_to_sql(*v, buf);
                Ok(())
            })?;
        }
        (P::ArrayDecimal(v), ty) if member(ty) == Some(&Type::NUMERIC) => {
            array(v, ty, buf, |v, buf| numeric::encode(v, buf))?;
        }
        (P::ArrayStr(v), ty) if member(ty).is_some_and(<&str as ToSql>::accepts) => {
            let member = member(ty).ok_or("not an array")?;
            array(v, ty, buf, |v, buf| {
                v.as_str().to_sql(member, buf).map(drop).map_err(|error| error.to_string())
            })?;
        }
        (P::Interval(Interval { micros, days, months }), &Type::INTERVAL) => {
            buf.put_i64(*micros);
            buf.put_i32(*days);
            buf.put_i32(*months);
        }
        (value, ty) => {
            return Err(format!("a value of type {} does not fit PostgreSQL's {ty}", name(value)));
        }
    }
    Ok(Encoded(Some(out)))
}

fn json(text: &[u8], ty: &Type, buf: &mut BytesMut) -> Result<(), String> {
    serde_json::from_slice::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("not valid JSON: {error}"))?;
    if *ty == Type::JSONB {
        buf.put_u8(1); // the version of the binary format
    }
    buf.extend_from_slice(text);
    Ok(())
}

fn member(ty: &Type) -> Option<&Type> {
    match ty.kind() {
        Kind::Array(member) => Some(member),
        _ => None,
    }
}

fn array<T>(
    values: &[Option<T>],
    ty: &Type,
    buf: &mut BytesMut,
    encode: impl Fn(&T, &mut BytesMut) -> Result<(), String>,
) -> Result<(), String> {
    let member = member(ty).ok_or("not an array")?;
    let len = i32::try_from(values.len()).map_err(|_| "the array is too long")?;
    let dimension = wire::ArrayDimension { len, lower_bound: 1 };
    wire::array_to_sql(
        Some(dimension),
        member.oid(),
        values,
        |value, buf| match value {
            Some(value) => {
                encode(value, buf)?;
                Ok(postgres_protocol::IsNull::No)
            }
            None => Ok(postgres_protocol::IsNull::Yes),
        },
        buf,
    )
    .map_err(|error| error.to_string())
}

fn range<T>(
    (lower, upper): &Bounds<T>,
    buf: &mut BytesMut,
    encode: impl Fn(&T, &mut BytesMut) -> Result<(), String>,
) -> Result<(), String> {
    let bound = |bound: &Option<(T, RangeBoundKind)>, buf: &mut BytesMut| {
        Ok::<_, Boxed>(match bound {
            None => wire::RangeBound::Unbounded,
            Some((value, kind)) => {
                encode(value, buf)?;
                match kind {
                    RangeBoundKind::Inclusive => {
                        wire::RangeBound::Inclusive(postgres_protocol::IsNull::No)
                    }
                    RangeBoundKind::Exclusive => {
                        wire::RangeBound::Exclusive(postgres_protocol::IsNull::No)
                    }
                }
            }
        })
    };
    wire::range_to_sql(|buf| bound(lower, buf), |buf| bound(upper, buf), buf)
        .map_err(|error| error.to_string())
}

/// The value's type as the interface calls it.
fn name(value: &ParameterValue) -> &'static str {
    use ParameterValue as P;
    match value {
        P::Boolean(_) => "boolean",
        P::Int8(_) => "int8 (8 bits)",
        P::Int16(_) => "int16",
        P::Int32(_) => "int32",
        P::Int64(_) => "int64",
        P::Floating32(_) => "floating32",
        P::Floating64(_) => "floating64",
        P::Str(_) => "str",
        P::Binary(_) => "binary",
        P::Date(_) => "date",
        P::Time(_) => "time",
        P::Datetime(_) => "datetime",
        P::Timestamp(_) => "timestamp",
        P::Uuid(_) => "uuid",
        P::Jsonb(_) => "jsonb",
        P::Decimal(_) => "decimal",
        P::RangeInt32(_) => "range-int32",
        P::RangeInt64(_) => "range-int64",
        P::RangeDecimal(_) => "range-decimal",
        P::ArrayInt32(_) => "array-int32",
        P::ArrayInt64(_) => "array-int64",
        P::ArrayDecimal(_) => "array-decimal",
        P::ArrayStr(_) => "array-str",
        P::Interval(_) => "interval",
        P::DbNull => "db-null",
    }
}
