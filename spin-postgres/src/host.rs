//! The interface's functions.

use tokio::sync::oneshot;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use crate::bindings::{
    Column, DbValue, Error, Host, HostConnection, HostConnectionBuilder,
    HostConnectionBuilderWithStore, HostConnectionWithStore, ParameterValue, Row, RowSet,
};
use crate::pool::Lease;
use crate::rows::RowProducer;
use crate::{Postgres, PostgresView, statement, tls, values};

/// Bytes that `query` may gather in the host before the guest sees the first
/// row; `query-async` streams, and has no such bound.
const MAX_RESULT_BYTES: usize = 64 << 20;

/// The resource `connection`.
pub struct Connection {
    session: Lease,
}

/// The resource `connection-builder`.
pub struct ConnectionBuilder {
    address: String,
    ca_root: Option<String>,
}

impl Host for PostgresView<'_> {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl PostgresView<'_> {
    async fn open(
        &mut self,
        address: String,
        ca_root: Option<String>,
    ) -> Result<Resource<Connection>, Error> {
        let session = self.ctx.pools.get(address, ca_root, &self.ctx.allowed).await?;
        self.insert(session)
    }

    fn insert(&mut self, session: Lease) -> Result<Resource<Connection>, Error> {
        self.table.push(Connection { session }).map_err(|error| no_room(&error))
    }

    fn session(&self, connection: &Resource<Connection>) -> Result<Lease, Error> {
        let connection =
            self.table.get(connection).map_err(|_| Error::Other("no such connection".into()))?;
        Ok(connection.session.clone())
    }

    fn builder(
        &self,
        builder: &Resource<ConnectionBuilder>,
    ) -> Result<(String, Option<String>), Error> {
        let builder =
            self.table.get(builder).map_err(|_| Error::Other("no such builder".into()))?;
        Ok((builder.address.clone(), builder.ca_root.clone()))
    }
}

fn no_room(error: &wasmtime::component::ResourceTableError) -> Error {
    Error::ConnectionFailed(format!("too many resources are open: {error}"))
}

impl HostConnectionBuilder for PostgresView<'_> {
    async fn new(&mut self, address: String) -> wasmtime::Result<Resource<ConnectionBuilder>> {
        Ok(self.table.push(ConnectionBuilder { address, ca_root: None })?)
    }

    async fn set_ca_root(
        &mut self,
        builder: Resource<ConnectionBuilder>,
        certificate: String,
    ) -> Result<(), Error> {
        tls::certificates(&certificate).map_err(Error::Other)?;
        let builder =
            self.table.get_mut(&builder).map_err(|_| Error::Other("no such builder".into()))?;
        builder.ca_root = Some(certificate);
        Ok(())
    }

    async fn build(
        &mut self,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Resource<Connection>, Error> {
        let (address, ca_root) = self.builder(&builder)?;
        self.open(address, ca_root).await
    }

    async fn drop(&mut self, builder: Resource<ConnectionBuilder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl HostConnection for PostgresView<'_> {
    async fn open(&mut self, address: String) -> Result<Resource<Connection>, Error> {
        PostgresView::open(self, address, None).await
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<RowSet, Error> {
        use futures::TryStreamExt as _;

        let session = self.session(&connection)?;
        let mut reply = statement::query(&session, &statement, &params).await?;
        let mut set = RowSet { columns: values::columns(reply.statement()), rows: Vec::new() };
        let mut bytes = 0;
        while let Some(row) = reply.try_next().await? {
            let row_bytes = row.raw_size_bytes();
            let row = values::row(&row)?;
            // As it is held: a value of one byte takes many.
            bytes += row_bytes + size_of::<Row>() + row.len() * size_of::<DbValue>();
            if bytes > MAX_RESULT_BYTES {
                return Err(Error::Other(format!(
                    "the result is larger than {} MiB: use query-async, or a LIMIT",
                    MAX_RESULT_BYTES >> 20
                )));
            }
            set.rows.push(row);
        }
        Ok(set)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let session = self.session(&connection)?;
        statement::execute(&session, &statement, &params).await
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

async fn open_async<T>(
    accessor: &Accessor<T, Postgres>,
    address: String,
    ca_root: Option<String>,
) -> Result<Resource<Connection>, Error> {
    let (pools, allowed) = accessor.with(|mut access| {
        let ctx = access.get().ctx;
        (ctx.pools.clone(), ctx.allowed.clone())
    });
    let session = pools.get(address, ca_root, &allowed).await?;
    accessor.with(|mut access| access.get().insert(session))
}

impl<T> HostConnectionBuilderWithStore<T> for Postgres {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Resource<Connection>, Error> {
        let (address, ca_root) = accessor.with(|mut access| access.get().builder(&builder))?;
        open_async(accessor, address, ca_root).await
    }
}

impl<T: 'static> HostConnectionWithStore<T> for Postgres {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> Result<Resource<Connection>, Error> {
        open_async(accessor, address, None).await
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<(Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>), Error> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        let reply = statement::query(&session, &statement, &params).await?;
        let columns = values::columns(reply.statement());
        let (sender, receiver) = oneshot::channel();
        let producer = RowProducer::new(reply, sender);
        // A producer that is gone without a word was dropped by the guest.
        let outcome = async move { Ok::<_, wasmtime::Error>(receiver.await.unwrap_or(Ok(()))) };
        let (rows, outcome) = accessor
            .with(|mut access| {
                Ok((
                    StreamReader::new(&mut access, producer)?,
                    FutureReader::new(&mut access, outcome)?,
                ))
            })
            .map_err(|error: wasmtime::Error| Error::Other(error.to_string()))?;
        Ok((columns, rows, outcome))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let session = accessor.with(|mut access| access.get().session(&connection))?;
        statement::execute(&session, &statement, &params).await
    }
}
