//! What speed is measured with, always against a peer in the same run:
//!
//! * `bench speed`: this host beside a plain native server, and beside `wasmtime serve` where that
//!   is in the `PATH`;
//! * `bench builds OLD NEW`: two programs of this host side by side;
//! * `bench rows`: a table of 1,000,000 rows beside one of 100.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot run has nothing better to do, and its counts are far below 2^52"
)]

use std::path::PathBuf;
use std::process::ExitCode;

mod load;
mod peers;
mod picture;
mod rounds;
mod rows;

use rounds::Plan;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["speed"] => rounds::speed(Plan::from_environment()).await,
        ["builds", old, new] => {
            let programs = [PathBuf::from(old), PathBuf::from(new)];
            rounds::builds(Plan::from_environment(), programs).await;
        }
        ["rows"] => return rows::compare_sizes().await,
        _ => {
            eprintln!("bench speed | bench builds OLD NEW | bench rows");
            return 2.into();
        }
    }
    ExitCode::SUCCESS
}
