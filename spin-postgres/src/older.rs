//! The interface as older SDKs know it: `spin:postgres@3.0.0` (Spin 3.1 to 3.4)
//! and `fermyon:spin/postgres@2.0.0` (Spin 2 and 3). Values that they have no
//! name for are `unsupported`, as in Spin.

use wasmtime::component::{Linker, Resource};

use crate::bindings::{DbDataType, DbValue, Error, ParameterValue, QueryError, RowSet};
use crate::host::Connection;
use crate::{Postgres, PostgresView, bindings};

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package todoozle:older-postgres;
            world imports {
                import spin:postgres/postgres@3.0.0;
                import fermyon:spin/postgres@2.0.0;
            }
        ",
        imports: { default: async | trappable },
        with: {
            "spin:postgres/postgres@3.0.0.connection": crate::host::Connection,
            "fermyon:spin/postgres@2.0.0.connection": crate::host::Connection,
        },
        trappable_error_type: {
            "spin:postgres/postgres@3.0.0.error" => crate::older::Refused3,
            "fermyon:spin/rdbms-types@2.0.0.error" => crate::older::Refused2,
        },
    });
}

use generated::fermyon::spin::{postgres as v2, rdbms_types as v2_types};
use generated::spin::postgres3_0_0::postgres as v3;

/// The error of 3.0.
pub type Refused3 = v3::Error;
/// The error of 2.0.
pub type Refused2 = v2_types::Error;

pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> PostgresView<'_>,
) -> wasmtime::Result<()> {
    v3::add_to_linker::<T, Postgres>(linker, view)?;
    v2_types::add_to_linker::<T, Postgres>(linker, view)?;
    v2::add_to_linker::<T, Postgres>(linker, view)
}

/// The parts of both versions that are the same but for their types.
macro_rules! version {
    ($interface:ident, $types:ident, values: [$($kind:ident),*], parameters: [$($unsigned:ident),*]) => {
        impl $types::Host for PostgresView<'_> {
            fn convert_error(&mut self, error: $types::Error) -> wasmtime::Result<$types::Error> {
                Ok(error)
            }
        }

        impl $interface::HostConnection for PostgresView<'_> {
            async fn open(
                &mut self,
                address: String,
            ) -> Result<Resource<Connection>, $types::Error> {
                Ok(bindings::HostConnection::open(self, address).await?)
            }

            async fn query(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                params: Vec<$types::ParameterValue>,
            ) -> Result<$types::RowSet, $types::Error> {
                let params = params.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
                let set = bindings::HostConnection::query(self, connection, statement, params);
                Ok(set.await?.into())
            }

            async fn execute(
                &mut self,
                connection: Resource<Connection>,
                statement: String,
                params: Vec<$types::ParameterValue>,
            ) -> Result<u64, $types::Error> {
                let params = params.into_iter().map(TryInto::try_into).collect::<Result<_, _>>()?;
                let changed = bindings::HostConnection::execute(self, connection, statement, params);
                Ok(changed.await?)
            }

            async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
                bindings::HostConnection::drop(self, connection).await
            }
        }

        impl From<Error> for $types::Error {
            fn from(error: Error) -> Self {
                match error {
                    Error::ConnectionFailed(text) => Self::ConnectionFailed(text),
                    Error::BadParameter(text) => Self::BadParameter(text),
                    Error::QueryFailed(QueryError::Text(text)) => Self::QueryFailed(text),
                    Error::QueryFailed(QueryError::DbError(error)) => {
                        Self::QueryFailed(error.as_text)
                    }
                    Error::ValueConversionFailed(text) => Self::ValueConversionFailed(text),
                    Error::Other(text) => Self::Other(text),
                }
            }
        }

        impl TryFrom<$types::ParameterValue> for ParameterValue {
            type Error = $types::Error;

            fn try_from(value: $types::ParameterValue) -> Result<Self, $types::Error> {
                Ok(match value {
                    $($types::ParameterValue::$kind(value) => Self::$kind(value),)*
                    $($types::ParameterValue::$unsigned(_) => {
                        return Err($types::Error::BadParameter(
                            "PostgreSQL has no unsigned integers".into(),
                        ));
                    })*
                    $types::ParameterValue::DbNull => Self::DbNull,
                })
            }
        }

        impl From<DbValue> for $types::DbValue {
            fn from(value: DbValue) -> Self {
                match value {
                    $(DbValue::$kind(value) => Self::$kind(value),)*
                    DbValue::DbNull => Self::DbNull,
                    _ => Self::Unsupported,
                }
            }
        }

        impl From<DbDataType> for $types::DbDataType {
            fn from(kind: DbDataType) -> Self {
                match kind {
                    $(DbDataType::$kind => Self::$kind,)*
                    _ => Self::Other,
                }
            }
        }

        impl From<RowSet> for $types::RowSet {
            fn from(set: RowSet) -> Self {
                let columns = set.columns.into_iter().map(|column| $types::Column {
                    name: column.name,
                    data_type: column.data_type.into(),
                });
                let rows = set.rows.into_iter().map(|row| row.into_iter().map(Into::into).collect());
                Self { columns: columns.collect(), rows: rows.collect() }
            }
        }
    };
}

version!(v3, v3, values: [
    Boolean, Int8, Int16, Int32, Int64, Floating32, Floating64, Str, Binary,
    Date, Time, Datetime, Timestamp
], parameters: []);
version!(v2, v2_types, values: [
    Boolean, Int8, Int16, Int32, Int64, Floating32, Floating64, Str, Binary
], parameters: [Uint8, Uint16, Uint32, Uint64]);

impl v2::Host for PostgresView<'_> {}
