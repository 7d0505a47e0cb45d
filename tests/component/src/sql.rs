//! Statements by each version of Spin's interface.

use http::StatusCode;
use spin_sdk::pg::{Connection, DbValue, Error, OpenOptions, PgError};
use spin_sdk::{pg, variables};

use crate::Answer;

mod older {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        path: "../../spin-postgres/wit",
        inline: "
            package todoozle:test-component;
            world imports {
                import spin:postgres/postgres@3.0.0;
                import fermyon:spin/postgres@2.0.0;
            }
        ",
        generate_all,
    });

    pub use fermyon::spin::{postgres as v2, rdbms_types as v2_types};
    pub use spin::postgres3_0_0::postgres as v3;
}

async fn address() -> Result<String, (StatusCode, String)> {
    let address = variables::get("database_url").await;
    address.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")))
}

/// By the SDK's own version, with the CA in the variable `database_ca`.
pub async fn v4(statements: &[&str]) -> Answer {
    let ca = variables::get("database_ca").await.ok().filter(|pem| !pem.is_empty());
    let options = OpenOptions { ca_root: ca.map(pg::Certificate::Text) };
    run_v4(statements, &address().await?, options).await.map_err(|error| match error {
        Error::PgError(PgError::ConnectionFailed(why)) => (StatusCode::SERVICE_UNAVAILABLE, why),
        error => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")),
    })
}

async fn run_v4(statements: &[&str], address: &str, options: OpenOptions) -> Result<String, Error> {
    let connection = Connection::open_with_options(address, options).await?;
    let mut lines = vec![];
    for statement in statements {
        let mut result = connection.query(*statement, []).await?;
        while let Some(row) = result.rows().next().await {
            lines.push(match row.first() {
                Some(DbValue::Str(text)) => text.clone(),
                other => format!("{other:?}"),
            });
        }
        result.result().await?;
    }
    Ok(lines.join("\n"))
}

macro_rules! by {
    ($version:ident, $interface:ident, $types:ident) => {
        pub async fn $version(statements: &[&str]) -> Answer {
            use older::$interface::Connection;
            use older::$types as types;

            let run = |address: &str| {
                let connection = Connection::open(address)?;
                let mut lines = vec![];
                for statement in statements {
                    // What a statement's parameters are stands before it: `i32:1 str:a | SELECT …`.
                    let (values, statement) = statement.split_once('|').unwrap_or(("", statement));
                    let values =
                        values.split_whitespace().map(|value| match value.split_once(':') {
                            Some(("i32", number)) => {
                                types::ParameterValue::Int32(number.parse().unwrap_or_default())
                            }
                            Some(("str", text)) => types::ParameterValue::Str(text.into()),
                            _ => types::ParameterValue::DbNull,
                        });
                    let values: Vec<_> = values.collect();
                    if statement.trim_start().starts_with("SELECT") {
                        let set = connection.query(statement, &values)?;
                        let kinds: Vec<String> = set
                            .columns
                            .iter()
                            .map(|column| format!("{:?}", column.data_type))
                            .collect();
                        lines.push(kinds.join(" "));
                        for row in set.rows {
                            let values: Vec<String> =
                                row.iter().map(|value| format!("{value:?}")).collect();
                            lines.push(values.join(" "));
                        }
                    } else {
                        lines.push(connection.execute(statement, &values)?.to_string());
                    }
                }
                Ok(lines.join("\n"))
            };
            let address = address().await?;
            run(&address).map_err(|error: types::Error| {
                (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
            })
        }
    };
}

by!(v3, v3, v3);
by!(v2, v2, v2_types);
