//! What happened, counted; as text for Prometheus.

mod labels;

pub use labels::{Limit, Swap};

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

use crate::guest::failure::Failure;
use crate::terminal::log;
use labels::{
    ComponentLabels, DatabaseLabels, FailureLabels, PoolLabels, RefusedLabels, RequestLabels,
    SwapLabels,
};
use spin_postgres::PoolState;

/// Every metric's name begins with this.
const PREFIX: &str = "runtime_host";
/// From a cached page to a request that runs into its timeout.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The process's metrics.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Histogram,
    pub in_flight: Gauge,
    pub connections: Gauge,
    pub outbound_requests: Gauge,
    pub response_bytes: Counter,
    refused: Family<RefusedLabels, Counter>,
    failures: Family<FailureLabels, Counter>,
    swaps: Family<SwapLabels, Counter>,
    component: Family<ComponentLabels, Gauge>,
    pools: Family<PoolLabels, Gauge>,
    connections_created: Family<DatabaseLabels, Counter>,
    connections_cleaned: Family<DatabaseLabels, Counter>,
    memory: Gauge,
    /// Bytes of all instances together.
    pub guests_memory: Gauge,
    log_lines_dropped: Counter,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let to = &mut registry;
        let metrics = Self {
            requests: metric(to, "http_requests", "Answered requests"),
            seconds: in_unit(
                to,
                "http_request_duration",
                "Time from a request's head to its response's head",
                Unit::Seconds,
                Histogram::new(SECONDS),
            ),
            response_bytes: bytes(to, "http_response", "Bytes of response bodies"),
            in_flight: metric(
                to,
                "http_requests_in_flight",
                "Requests whose answers have not ended",
            ),
            connections: metric(to, "http_connections", "Open connections"),
            outbound_requests: metric(
                to,
                "outbound_http_requests",
                "Requests of components whose answers have not been read to their end",
            ),
            refused: metric(
                to,
                "refused",
                "Connections and requests turned away, by the limit that did it",
            ),
            failures: metric(
                to,
                "component_failures",
                "Requests that the component failed, by how it did",
            ),
            swaps: metric(to, "swaps", "New components, by what came of them"),
            component: metric(to, "component_info", "The component that is live"),
            pools: metric(
                to,
                "database_pool_connections",
                "The pools of database connections; waiting counts requests",
            ),
            connections_created: metric(
                to,
                "database_connections_created",
                "Database connections made",
            ),
            connections_cleaned: metric(
                to,
                "database_connections_cleaned",
                "Database connections in which a component may have left something, cleaned for the next",
            ),
            memory: bytes(to, "process_resident_memory", "Memory of the process"),
            guests_memory: bytes(to, "component_memory", "Memory of all instances of components"),
            log_lines_dropped: metric(
                to,
                "log_lines_dropped",
                "Lines that were not written, as nobody read the log fast enough",
            ),
            registry,
        };
        metrics.begin();
        metrics
    }

    /// A counter that comes into being with its first event has not risen, for whoever watches it:
    /// each begins at 0.
    fn begin(&self) {
        for limit in Limit::EACH {
            let _ = self.refused.get_or_create(&RefusedLabels { limit });
        }
        for failure in Failure::EACH {
            let _ = self.failures.get_or_create(&FailureLabels { reason: failure.name() });
        }
        for result in Swap::EACH {
            let _ = self.swaps.get_or_create(&SwapLabels { result });
        }
    }

    /// A response began, `after` its request's head had come.
    pub fn answered(&self, method: &http::Method, status: http::StatusCode, after: Duration) {
        let labels = RequestLabels { method: method_class(method), status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(after.as_secs_f64());
    }

    /// hyper answered a head that it could not read.
    pub fn unreadable(&self, status: http::StatusCode) {
        let labels = RequestLabels { method: "other", status: status.as_u16() };
        self.requests.get_or_create(&labels).inc();
    }

    /// Somebody ran into a limit.
    pub fn refused(&self, limit: Limit) {
        self.refused.get_or_create(&RefusedLabels { limit }).inc();
    }

    /// The component failed a request.
    pub fn failed(&self, failure: Failure) {
        self.failures.get_or_create(&FailureLabels { reason: failure.name() }).inc();
    }

    /// A new component was loaded, and this came of it.
    pub fn swaps(&self, result: Swap) {
        self.swaps.get_or_create(&SwapLabels { result }).inc();
    }

    /// Everything, in the text format of `OpenMetrics`.
    pub fn text(&self, live: Option<&str>, pools: &[PoolState]) -> Result<String, std::fmt::Error> {
        self.component.clear();
        if let Some(digest) = live {
            self.component.get_or_create(&ComponentLabels { digest: digest.to_owned() }).set(1);
        }
        self.pools.clear();
        for pool in pools {
            let states = [
                ("max", pool.max),
                ("open", pool.open),
                ("idle", pool.idle),
                ("waiting", pool.waiting),
            ];
            for (state, count) in states {
                let labels = PoolLabels { database: pool.index, state };
                self.pools.get_or_create(&labels).set(signed(count));
            }
            let label = DatabaseLabels { database: pool.index };
            for (counts, count) in [
                (&self.connections_created, pool.created),
                (&self.connections_cleaned, pool.cleaned),
            ] {
                let counter = counts.get_or_create(&label);
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }
        if let Some(bytes) = resident_memory() {
            self.memory.set(bytes);
        }
        self.log_lines_dropped.inc_by(log::dropped().saturating_sub(self.log_lines_dropped.get()));
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn metric<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

fn bytes<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    in_unit(to, name, help, Unit::Bytes, M::default())
}

fn in_unit<M>(to: &mut Registry, name: &str, help: &str, unit: Unit, metric: M) -> M
where
    M: Metric + Clone,
{
    to.register_with_unit(name, help, unit, metric.clone());
    metric
}

/// Methods are the client's to invent, and labels must stay few.
fn method_class(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Bytes of this process in memory, where the system tells.
fn resident_memory() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.answered(&http::Method::GET, http::StatusCode::OK, Duration::from_millis(3));
        metrics.refused(Limit::max_body);
        metrics.failed(Failure::Trapped);
        metrics.swaps(Swap::done);
        metrics.in_flight.inc();
        let pool =
            PoolState { index: 0, max: 16, open: 2, idle: 1, waiting: 3, created: 7, cleaned: 2 };
        for _ in 0..2 {
            let text = metrics.text(Some("e3b0c44298fc"), std::slice::from_ref(&pool)).unwrap();
            for line in [
                "runtime_host_http_requests_total{method=\"GET\",status=\"200\"} 1",
                "runtime_host_http_request_duration_seconds_count 1",
                "runtime_host_http_requests_in_flight 1",
                "runtime_host_refused_total{limit=\"max_body\"} 1",
                "runtime_host_component_failures_total{reason=\"trap\"} 1",
                "runtime_host_swaps_total{result=\"done\"} 1",
                "runtime_host_component_info{digest=\"e3b0c44298fc\"} 1",
                "runtime_host_database_pool_connections{database=\"0\",state=\"waiting\"} 3",
                "runtime_host_database_connections_created_total{database=\"0\"} 7",
                "runtime_host_database_connections_cleaned_total{database=\"0\"} 2",
            ] {
                assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
            }
        }
        let text = metrics.text(Some("another"), &[]).unwrap();
        assert!(!text.contains("e3b0c44298fc"), "one component is live");
    }

    #[test]
    fn invented_methods_are_one_label() {
        let method = http::Method::from_bytes(b"BREW").unwrap();
        assert_eq!(method_class(&method), "other");
    }
}
