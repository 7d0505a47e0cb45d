//! What tells the numbers of one metric apart.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub method: &'static str,
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    pub limit: Limit,
}

/// The limits that turn clients away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are the labels' values")]
pub enum Limit {
    max_connections,
    max_requests,
    max_uploads,
    max_body,
    max_head,
    header_timeout,
    body_timeout,
    max_outbound_requests,
    all_guests_memory,
}

impl Limit {
    pub const EACH: [Self; 9] = [
        Self::max_connections,
        Self::max_requests,
        Self::max_uploads,
        Self::max_body,
        Self::max_head,
        Self::header_timeout,
        Self::body_timeout,
        Self::max_outbound_requests,
        Self::all_guests_memory,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct FailureLabels {
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SwapLabels {
    pub result: Swap,
}

/// What came of a new component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(non_camel_case_types, reason = "the names are the labels' values")]
pub enum Swap {
    done,
    /// It did not pass a check.
    refused,
    /// It failed requests on probation.
    taken_back,
    /// It could not be built or loaded.
    failed,
}

impl Swap {
    pub const EACH: [Self; 4] = [Self::done, Self::refused, Self::taken_back, Self::failed];
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ComponentLabels {
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PoolLabels {
    pub database: usize,
    pub state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DatabaseLabels {
    pub database: usize,
}
