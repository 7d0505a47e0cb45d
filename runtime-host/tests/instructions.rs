//! What a request costs the component, in WebAssembly instructions: a count that no other load on the
//! machine changes. The host's own share is measured by `make bench`.
//!
//! It stands here and not in `tests`, so that wasmtime is built once; and it has a host of its own,
//! since fuel is nothing that the real one should count.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{self, poll_fn};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use spin_postgres::{Allowed, Pools, PostgresCtx, PostgresView, Settings};
use tempfile::TempDir;
use wasmtime::component::{Accessor, Component, HasData, Linker, ResourceTable};
use wasmtime::{AsContextMut as _, Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::handler::{Prepared, Proxy, ProxyPre};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView, p3,
};

/// Of each route, what its second request takes: an instruction counts 1, and a byte that is copied 1
/// as well. The pages have 50 todos. Whoever makes one grow by more than a tenth, or shrink, sets the
/// figure here, and says in the commit why.
const FIGURES: &[(&str, &str, u64)] = &[
    ("GET", "/manifest.webmanifest", 42_747),
    ("GET", "/todos?limit=10", 237_875),
    ("GET", "/todos/1", 79_062),
    ("POST", "/todos", 110_782),
    ("PATCH", "/todos/1", 99_131),
    ("GET", "/", 1_165_144),
    ("GET", "/?q=milk", 1_246_480),
];

mod generated {
    wasmtime::component::bindgen!({
        path: "wit",
        inline: "
            package todoozle:variables;
            world imports {
                import spin:variables/variables@3.0.0;
            }
        ",
    });
}

use generated::spin::variables::variables;

type Outcome = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// The component asks no other server.
struct Nobody;

impl WasiHttpHooks for Nobody {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Outcome,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Outcome), Error>> + Send> {
        panic!("a request to {}", request.uri())
    }
}

struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    nobody: Nobody,
    table: ResourceTable,
    postgres: PostgresCtx,
    variables: HashMap<String, String>,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.nobody, table: &mut self.table, ctx: &mut self.http }
    }
}

impl HasData for State {
    type Data<'a> = &'a mut State;
}

impl variables::Host for State {}

impl<T> variables::HostWithStore<T> for State {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, variables::Error> {
        let value = accessor.with(|mut access| access.get().variables.get(&name).cloned());
        value.ok_or(variables::Error::Undefined(name))
    }
}

/// Every server: there is one.
struct Anywhere;

impl Allowed for Anywhere {
    fn check(&self, _host: &str, _port: u16) -> Result<(), String> {
        Ok(())
    }

    fn check_address(&self, _host: &str, _port: u16, _address: IpAddr) -> Result<(), String> {
        Ok(())
    }
}

/// A PostgreSQL with the migrations, until it is dropped.
struct Database {
    server: Child,
    project: TempDir,
}

impl Database {
    fn start() -> Self {
        let project = tempfile::tempdir().unwrap();
        std::fs::copy(root().join("spin.toml"), project.path().join("spin.toml")).unwrap();
        let migrations = project.path().join("todo-component/migrations");
        std::fs::create_dir_all(&migrations).unwrap();
        for file in std::fs::read_dir(root().join("todo-component/migrations")).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), migrations.join(file.file_name())).unwrap();
        }
        let mut server = Command::new(env!("CARGO_BIN_EXE_runtime-host"))
            .args(["db", "--from"])
            .arg(project.path().join("spin.toml"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let ready = said.find(|line| line.as_ref().unwrap().starts_with("PostgreSQL ready on "));
        assert!(ready.is_some(), "`runtime-host db` ended");
        Self { server, project }
    }

    fn url(&self) -> String {
        let env = std::fs::read_to_string(self.project.path().join(".env")).unwrap();
        let value = env.lines().find_map(|it| it.strip_prefix("SPIN_VARIABLE_DATABASE_URL="));
        value.unwrap().trim_matches(['"', '\'']).to_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let id = i32::try_from(self.server.id()).unwrap();
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(id),
            nix::sys::signal::Signal::SIGTERM,
        );
        let _ = self.server.wait();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// One instance of the component, whose instructions are counted.
struct Guest {
    store: Store<State>,
    proxy: Proxy,
}

impl Guest {
    async fn start(database_url: String) -> Self {
        let mut config = Config::new();
        config.wasm_component_model_async(true).consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        let mut linker = Linker::<State>::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
        p3::add_to_linker(&mut linker).unwrap();
        spin_postgres::add_to_linker(&mut linker, |state: &mut State| PostgresView {
            ctx: &mut state.postgres,
            table: &mut state.table,
        })
        .unwrap();
        variables::add_to_linker::<_, State>(&mut linker, |state| state).unwrap();

        let file = root().join("target/wasm32-wasip2/component/todo_component.wasm");
        let bytes = std::fs::read(&file).unwrap_or_else(|error| {
            panic!("read {}: {error}; `make build` makes it", file.display())
        });
        let component = Component::new(&engine, bytes).unwrap();
        let pre = linker.instantiate_pre(&component).unwrap();
        let pre = ProxyPre::P3(p3::bindings::ServicePre::new(pre).unwrap());

        let pools = Pools::new(Settings { connections: 1, silence: Duration::from_secs(30) });
        let state = State {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            nobody: Nobody,
            table: ResourceTable::new(),
            postgres: PostgresCtx { pools: Arc::new(pools), allowed: Arc::new(Anywhere) },
            variables: HashMap::from([("database_url".to_owned(), database_url)]),
        };
        let mut store = Store::new(&engine, state);
        store.set_fuel(u64::MAX).unwrap();
        let proxy = pre.instantiate_async(&mut store).await.unwrap();
        Self { store, proxy }
    }

    /// Has a request answered, and says how many instructions that took.
    async fn instructions(&mut self, method: &str, path: &str) -> u64 {
        let before = self.store.get_fuel().unwrap();
        let body = if matches!(method, "POST" | "PATCH") { r#"{"title":"buy milk"}"# } else { "" };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://localhost{path}"))
            .header("content-type", "application/json")
            .body(WasiBody::new(Full::new(Bytes::from(body)).map_err(|never| match never {})))
            .unwrap();
        let (tell, answer) = oneshot::channel();
        let proxy = &self.proxy;
        let work = self.store.run_concurrent(async |accessor| {
            let prepared = accessor.with(|mut access| {
                let store = access.as_context_mut();
                Prepared::new(store, proxy, request, |state: &mut State| state.http(), tell)
            })?;
            prepared.run(accessor, future::pending()).await?;
            poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            wasmtime::error::Ok(())
        });
        let read = async {
            let answer: Response<WasiBody> = answer.await.unwrap().unwrap();
            let status = answer.status();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(status.is_success(), "{method} {path}: {status} {body:?}");
        };
        let (done, ()) = future::join(work, read).await;
        done.unwrap().unwrap();
        before - self.store.get_fuel().unwrap()
    }
}

#[tokio::test]
async fn no_route_takes_more_instructions_than_it_did() {
    let database = Database::start();
    let mut guest = Guest::start(database.url()).await;
    for _ in 0..50 {
        guest.instructions("POST", "/todos").await;
    }
    let (mut found, mut wrong) = (String::new(), Vec::new());
    for &(method, path, figure) in FIGURES {
        guest.instructions(method, path).await;
        let instructions = guest.instructions(method, path).await;
        writeln!(found, "    (\"{method}\", \"{path}\", {instructions}),").unwrap();
        if instructions.abs_diff(figure) > figure / 10 {
            wrong.push(format!("{method} {path}: {instructions}, not {figure}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nFIGURES as they are now:\n{found}", wrong.join("\n"));
}
