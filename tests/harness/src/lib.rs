//! The runner of the tests that need a Kubernetes cluster.
//!
//! Rust's own knows what is ignored when it compiles; whether there is a cluster turns out when it
//! runs. So each test says what it [`Need`]s, and without that it is counted as ignored, with the
//! reason, and never as passed.

mod node_lock;
mod settings;

use std::fs::File;
use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Completion, Trial};
use tokio::runtime::Builder;

pub use settings::{Settings, database_image};

/// Names the context that tests may use; `tests/cluster/with` sets it.
pub const CONTEXT: &str = "TODOOZLE_TEST_CONTEXT";
/// Set when the cluster is the node of `tests/cluster`, which tests may disturb.
pub const OWN_NODE: &str = "TODOOZLE_OWN_NODE";
/// Set where tests may take minutes.
const LONG: &str = "TODOOZLE_LONG";
/// Why there is no cluster, in the words of `tests/cluster/with`.
const NO_CLUSTER: &str = "TODOOZLE_NO_CLUSTER";

/// What a test cannot do without.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    Cluster,
    /// The node of `tests/cluster`.
    OwnNode,
    /// The cluster with no other test beside it. Where no request may fail, or the control plane
    /// stands still, a neighbour's work would decide over the outcome.
    Quiet,
    /// Minutes, which `make test` has not to spare: `make test-edge` and `test-database` take them.
    Minutes,
    /// Programs on `PATH`.
    Programs(&'static [&'static str]),
    /// The image that this variable names.
    Image(&'static str),
}

impl Need {
    /// Why the test cannot run, if it can't.
    fn missing(self) -> Option<String> {
        match self {
            Self::Cluster | Self::Quiet => context().is_none().then(|| {
                let why = std::env::var(NO_CLUSTER).unwrap_or_default();
                let why = if why.is_empty() { "make test-cluster brings one up" } else { &why };
                format!("no Kubernetes cluster: {why}")
            }),
            Self::OwnNode => Self::Cluster.missing().or_else(|| {
                std::env::var_os(OWN_NODE)
                    .is_none()
                    .then(|| "only on the node of tests/cluster".to_owned())
            }),
            Self::Minutes => std::env::var_os(LONG)
                .is_none()
                .then(|| "takes minutes: make test-edge, or test-database".to_owned()),
            Self::Programs(names) => {
                let missing: Vec<_> = names.iter().copied().filter(|name| !on_path(name)).collect();
                (!missing.is_empty()).then(|| format!("not on PATH: {}", missing.join(", ")))
            }
            Self::Image(variable) => {
                std::env::var_os(variable).is_none().then(|| format!("{variable} names no image"))
            }
        }
    }
}

/// The context under test.
pub fn context() -> Option<String> {
    std::env::var(CONTEXT).ok().filter(|name| !name.is_empty())
}

/// The image that this variable names, else the one of images/`folder`.
pub fn image(variable: &str, folder: &str) -> Option<String> {
    let own = || {
        let path = format!("{}/../../images/{folder}/Containerfile", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).ok()?;
        text.split_whitespace().skip_while(|word| *word != "-t").nth(1).map(str::to_owned)
    };
    std::env::var(variable).ok().or_else(own)
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

type Body = Pin<Box<dyn Future<Output = ()>>>;

/// A test: its path, what it needs, and what it does. [`tests!`] makes them.
pub struct Test {
    pub name: &'static str,
    pub needs: &'static [Need],
    pub body: fn() -> Body,
}

/// Lists tests by their paths, below what they need:
/// `tests! { [Need::Cluster] { lifecycle::init_can_be_repeated } }`.
#[macro_export]
macro_rules! tests {
    ($($needs:tt { $($module:ident::$test:ident),* $(,)? })*) => {
        vec![$($($crate::Test {
            name: concat!(stringify!($module), "::", stringify!($test)),
            needs: &$needs,
            body: || Box::pin($module::$test()),
        }),*),*]
    };
}

/// Runs tests as `cargo test` does, with its arguments; `at_once` of them at a time unless
/// `--test-threads` says otherwise.
pub fn run(tests: Vec<Test>, at_once: usize) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(at_once);
    let trials = tests.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(Test { name, needs, body }: Test) -> Trial {
    Trial::ignorable_test(name, move || {
        if let Some(why) = needs.iter().find_map(|need| need.missing()) {
            return Ok(Completion::ignored_with(why));
        }
        let _turn = if needs.is_empty() { None } else { Some(turn(needs)?) };
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let began = Instant::now();
        runtime.block_on(body());
        // Where the minutes go: the runner itself does not tell.
        eprintln!("{name}: {} s", began.elapsed().as_secs());
        Ok(Completion::Completed)
    })
}

/// Keeps whoever needs the node alone and all others apart, across programs, until it is dropped.
fn turn(needs: &[Need]) -> std::io::Result<File> {
    let file = node_lock::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))?;
    if needs.iter().any(|need| matches!(need, Need::Quiet)) {
        file.lock()?;
    } else {
        file.lock_shared()?;
    }
    Ok(file)
}
