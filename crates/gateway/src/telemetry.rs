//! The only place that spells metric names. OpenTelemetry's MCP conventions where they have a name, ours beside.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::record::Outcome;

/// Upper bounds in seconds, as the conventions advise.
const BUCKETS: [f64; 14] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
];

/// All metrics of one gateway.
pub(crate) struct Telemetry {
    registry: Registry,
    durations: Family<ServerLabels, Histogram, fn() -> Histogram>,
    errors: Family<ServerLabels, Counter>,
    starts: Family<StartLabels, Counter>,
    bad_frames: Family<ServerLabels, Counter>,
    pub(crate) sessions: Gauge,
    pub(crate) upstreams: Gauge,
    /// Requests that the gateway answered by itself.
    pub(crate) own: Histogram,
}

/// The metrics of one server, looked up once.
#[derive(Clone)]
pub(crate) struct ServerMetrics {
    pub(crate) duration: Histogram,
    pub(crate) errors: Counter,
    /// Messages of the server that break the protocol.
    pub(crate) bad_frames: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StartLabels {
    server: String,
    outcome: &'static str,
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::default();
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (errors, starts, bad_frames) =
            (Family::default(), Family::default(), Family::default());
        let (sessions, upstreams) = (Gauge::default(), Gauge::default());
        let own = histogram();
        registry.register(
            "mcp_server_operation_duration_seconds",
            "Requests answered by a server, through the gateway",
            durations.clone(),
        );
        registry.register(
            "portolan_own_operation_duration_seconds",
            "Requests answered by the gateway itself",
            own.clone(),
        );
        registry.register(
            "portolan_call_errors",
            "Requests that ended in an error",
            errors.clone(),
        );
        registry.register(
            "portolan_server_starts",
            "Starts of servers",
            starts.clone(),
        );
        registry.register(
            "portolan_bad_frames",
            "Messages of servers that break the protocol",
            bad_frames.clone(),
        );
        registry.register("portolan_sessions", "Open sessions", sessions.clone());
        registry.register("portolan_upstreams", "Live upstreams", upstreams.clone());
        Self {
            registry,
            durations,
            errors,
            starts,
            bad_frames,
            sessions,
            upstreams,
            own,
        }
    }

    pub(crate) fn of_server(&self, server: &str) -> ServerMetrics {
        let labels = ServerLabels {
            server: server.to_owned(),
        };
        ServerMetrics {
            duration: self.durations.get_or_create(&labels).clone(),
            errors: self.errors.get_or_create(&labels).clone(),
            bad_frames: self.bad_frames.get_or_create(&labels).clone(),
        }
    }

    pub(crate) fn started(&self, server: &Arc<str>, is_ok: bool) {
        let outcome = if is_ok { "ok" } else { "failed" };
        self.starts
            .get_or_create(&StartLabels {
                server: server.to_string(),
                outcome,
            })
            .inc();
    }

    /// Everything in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl ServerMetrics {
    pub(crate) fn call(&self, took: Duration, outcome: Outcome) {
        self.duration.observe(took.as_secs_f64());
        if outcome != Outcome::Ok {
            self.errors.inc();
        }
    }
}
