//! A component that does on demand what a good one never does. The path, without
//! that of its route, says what:
//!
//! * `POST /sql/4`, `/sql/3`, `/sql/2`: one statement a line, all on one
//!   connection, by that version of Spin's interface. The answer is the first
//!   column of every row, a line each.
//! * `POST /fetch`: a URL a line, asked for all at once, with `connect-timeout` seconds if that header
//!   is there. The answer is a status or an error's name for each, in their order.
//! * `POST /ask`: a URL, asked for with `first-byte-timeout` seconds if that header is there. The
//!   answer is what it answers, or an error's name.
//! * `GET /turn`: what the component called `web` answers to the same.
//! * `GET /read/PATH`, `/write/PATH`, `/list/PATH`: a file of its own, or the names in a folder.
//! * `GET /config/NAME`: the value that `wasi:config` has of it.
//! * `GET /say`: a line to standard output, one to standard error, one unended.
//! * `GET /trap`, `/loop`, `/memory`: ends badly.
//! * `GET /echo`: the request's headers, a line each.
//! * `GET /short`: a body of 5 bytes that says to have 10.
//! * `GET /broken`: three pieces of a body, and then a trap; `/stuck`: the same with an hour before its end.
//! * `/sleep`: answers after an hour, and does not read its body before.
//! * `GET /status/503`: answers with that status.
#![cfg(target_family = "wasm")]

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use spin_sdk::http::{EmptyBody, IntoResponse, Request};
use spin_sdk::http_service;
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

mod sql;

use bindings::wasi::config::store as config;

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        inline: "
            package test:component;
            world config { import wasi:config/store@0.2.0-rc.1; }
        ",
        path: "wit",
        runtime_path: "spin_sdk::wit_bindgen::rt",
        generate_all,
    });
}

type Answer = Result<String, (StatusCode, String)>;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let headers = request.headers().clone();
    // What its route leaves of the path, if it does, so that it may have a part of an application.
    let rest = headers.get("spin-path-info").and_then(|rest| rest.to_str().ok());
    let rest = rest.filter(|rest| !rest.is_empty());
    let path = rest.unwrap_or(request.uri().path()).to_owned();
    let mut unread = Some(request.into_body());
    let body = match unread.take_if(|_| path != "/sleep") {
        Some(body) => match body.collect().await {
            Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            Err(error) => error.to_string(),
        },
        None => String::new(),
    };
    let (status, text) = match answer(&path, &headers, &body).await {
        Ok(text) => (StatusCode::OK, text),
        Err(refused) => refused,
    };
    let end = match path.as_str() {
        "/broken" => End::Trap,
        "/stuck" => End::Late,
        _ => End::Good,
    };
    let mut response = Response::new(pieces(text, end));
    *response.status_mut() = status;
    if path == "/short" {
        response.headers_mut().insert("content-length", 10.into());
    }
    response
}

/// How a body ends.
#[derive(Clone, Copy)]
enum End {
    Good,
    Trap,
    Late,
}

/// A body in one piece, or in three that do not end well.
fn pieces(text: String, end: End) -> impl http_body::Body<Data = Bytes, Error = Infallible> {
    let count = if matches!(end, End::Good) { 1 } else { 3 };
    let texts = futures::stream::iter(std::iter::repeat_n(Bytes::from(text), count).map(Some));
    let ended = futures::stream::once(async move {
        match end {
            End::Good => None,
            End::Trap => panic!("on demand"),
            End::Late => {
                spin_sdk::time::sleep(std::time::Duration::from_secs(3600)).await;
                None
            }
        }
    });
    let pieces = texts.chain(ended).filter_map(std::future::ready);
    StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece))))
}

async fn answer(path: &str, headers: &HeaderMap, body: &str) -> Answer {
    let statements: Vec<&str> = body.lines().filter(|line| !line.trim().is_empty()).collect();
    match path {
        "/sql/4" => sql::v4(&statements).await,
        "/sql/3" => sql::v3(&statements).await,
        "/sql/2" => sql::v2(&statements).await,
        "/fetch" => {
            let limit = seconds(headers, "connect-timeout");
            let all = statements.iter().map(|url| fetch(url, limit));
            Ok(futures::future::join_all(all).await.join("\n"))
        }
        "/ask" => Ok(ask(body.trim(), seconds(headers, "first-byte-timeout")).await),
        "/turn" => Ok(ask("http://web.spin.internal/turn", None).await),
        "/say" => {
            println!("a line to standard output");
            eprintln!("a line to standard error");
            eprint!("a line without its end");
            Ok("said".into())
        }
        "/echo" => {
            let line = |(name, value): (&HeaderName, &HeaderValue)| {
                format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
            };
            Ok(headers.iter().map(line).collect())
        }
        "/short" => Ok("12345".into()),
        "/broken" | "/stuck" => Ok("piece".into()),
        "/sleep" => {
            spin_sdk::time::sleep(std::time::Duration::from_secs(3600)).await;
            Ok("slept".into())
        }
        "/trap" => panic!("on demand"),
        "/loop" => loop {
            std::hint::black_box(());
        },
        "/memory" => {
            let mut all = vec![];
            loop {
                all.push(std::hint::black_box(vec![1u8; 1 << 20]));
            }
        }
        _ if path.starts_with("/config/") => match config::get(&path["/config/".len()..]) {
            Ok(value) => Ok(format!("{value:?}")),
            Err(error) => Err((StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))),
        },
        _ if path.starts_with("/read/") => file(std::fs::read_to_string(&path["/read".len()..])),
        _ if path.starts_with("/write/") => {
            file(std::fs::write(&path["/write".len()..], "x").map(|()| "written".to_owned()))
        }
        _ if path.starts_with("/list/") => file(list(&path["/list".len()..])),
        _ => match path.strip_prefix("/status/").map(str::parse) {
            Some(Ok(status)) => Err((status, "on demand".into())),
            _ => Ok(path.to_owned()),
        },
    }
}

fn file(result: std::io::Result<String>) -> Answer {
    result.map_err(|error| (StatusCode::NOT_FOUND, error.kind().to_string()))
}

fn list(path: &str) -> std::io::Result<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names.join(" "))
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

const SECOND: u64 = 1_000_000_000;

/// What a URL answers.
async fn ask(url: &str, first_byte_timeout: Option<u64>) -> String {
    let asked = async {
        let mut request = http::Request::get(url).body(EmptyBody::new()).expect("a URL");
        if let Some(seconds) = first_byte_timeout {
            let options = RequestOptions::new();
            options.set_first_byte_timeout(Some(seconds * SECOND)).expect("an option");
            request.extensions_mut().insert(RequestOptionsExtension(options));
        }
        let response = spin_sdk::http::send(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, spin_sdk::wasip3::http::types::ErrorCode>(format!(
            "{status}\n{}",
            String::from_utf8_lossy(&body)
        ))
    };
    asked.await.unwrap_or_else(|error| format!("{error:?}"))
}

/// Has a URL asked for, and reads what comes.
async fn fetch(url: &str, connect_timeout: Option<u64>) -> String {
    let asked = async {
        let mut request = http::Request::get(url).body(EmptyBody::new()).expect("a URL");
        if let Some(seconds) = connect_timeout {
            let options = RequestOptions::new();
            options.set_connect_timeout(Some(seconds * SECOND)).expect("an option");
            request.extensions_mut().insert(RequestOptionsExtension(options));
        }
        let response = spin_sdk::http::send(request).await?;
        let status = response.status().as_u16().to_string();
        response.into_body().collect().await.map(|_| status)
    };
    asked.await.unwrap_or_else(|error| format!("{error:?}"))
}
