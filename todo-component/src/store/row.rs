//! One statement, at most one row.

use super::address::Connection;
use super::error::Error;
use serde::de::DeserializeOwned;
use spin_sdk::pg::{DbValue, ParameterValue};

/// A row's values.
pub struct Row(Vec<DbValue>);

impl Row {
    /// The first row of what a statement gives.
    pub async fn first(
        connection: &Connection,
        sql: &str,
        params: Vec<ParameterValue>,
    ) -> Result<Option<Self>, Error> {
        if !connection.replicated {
            return Ok(connection.inner.query(sql, &params)?.rows.into_iter().next().map(Self));
        }
        let (_, mut rows, result) = connection.inner.query_async(sql.to_owned(), params).await?;
        let row = rows.next().await;
        // To the end, which comes after the commit.
        while row.is_some() && rows.next().await.is_some() {}
        result.await?;
        Ok(row.map(Self))
    }

    /// The only row of what a statement gives.
    pub async fn only(
        connection: &Connection,
        sql: &str,
        params: Vec<ParameterValue>,
    ) -> Result<Self, Error> {
        let row = Self::first(connection, sql, params).await?;
        row.ok_or_else(|| Error::Answer("no row".to_owned()))
    }

    /// A column of text.
    pub fn into_text(mut self, column: usize) -> Result<Option<String>, Error> {
        match self.0.get_mut(column) {
            Some(DbValue::Str(text)) => Ok(Some(std::mem::take(text))),
            Some(DbValue::DbNull) => Ok(None),
            _ => Err(Error::Answer(format!("column {column} is not text"))),
        }
    }

    pub fn text(&self, column: usize) -> Option<&str> {
        match self.0.get(column) {
            Some(DbValue::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// A column that is neither false nor null.
    pub fn is_true(&self, column: usize) -> bool {
        matches!(self.0.get(column), Some(DbValue::Boolean(true)))
    }

    pub fn number(&self, column: usize) -> Option<i64> {
        match self.0.get(column) {
            Some(DbValue::Int64(number)) => Some(*number),
            _ => None,
        }
    }
}

pub fn json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|e| Error::Answer(e.to_string()))
}
