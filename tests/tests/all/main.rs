//! Everything that crosses programs, in one binary: it links once, and shares
//! one PostgreSQL and one `ChromeDriver`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test that is how something is said to be wrong"
)]

mod accessibility;
mod admin;
mod api;
mod applications;
mod bad_input;
mod borrowers;
mod browsers;
mod cleaned;
mod component;
mod components;
mod cross_site;
mod database;
mod database_faults;
mod dates_and_notes;
mod embedded;
mod endings;
mod engines;
mod files;
mod foul_weather;
mod injection;
mod limits;
mod lists;
mod logs;
mod manifest;
mod migrations;
mod monitoring;
mod moving;
mod oddities;
mod offline;
mod outgoing;
mod pages;
mod pages_with_js;
mod pages_without_js;
mod paging;
mod poolers;
mod preconditions;
mod proxies;
mod replicas;
mod search;
mod serving;
mod shutdown;
mod smuggling;
mod steps;
mod sync;
mod todo_backend;
mod undo;
mod uploads;
mod watch;
