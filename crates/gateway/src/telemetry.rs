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
    /// Those of a gateway for a profile beside the first in one process say so.
    pub(crate) fn new(profile: Option<&str>) -> Self {
        let label = profile.map(|profile| ("profile".into(), profile.to_owned().into()));
        let mut registry = Registry::with_labels(label.into_iter());
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

/// Several texts as one: what each metric is stands once, before what all say of it.
pub(crate) fn merged(texts: &[String]) -> String {
    let mut metrics: Vec<(String, String)> = Vec::new();
    for text in texts {
        let (mut about, mut is_about) = (String::new(), false);
        for line in text.lines().filter(|line| *line != "# EOF") {
            let begins = line.starts_with('#');
            if begins && !is_about {
                about.clear();
            }
            is_about = begins;
            if begins {
                about.extend([line, "\n"]);
                continue;
            }
            let known = metrics.iter().position(|(known, _)| *known == about);
            let at = known.unwrap_or_else(|| {
                metrics.push((about.clone(), String::new()));
                metrics.len() - 1
            });
            metrics[at].1.extend([line, "\n"]);
        }
    }
    let metrics = metrics.into_iter().flat_map(|(about, said)| [about, said]);
    metrics.chain(["# EOF\n".to_owned()]).collect()
}

impl ServerMetrics {
    pub(crate) fn call(&self, took: Duration, outcome: Outcome) {
        self.duration.observe(took.as_secs_f64());
        if outcome != Outcome::Ok {
            self.errors.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_gateways_are_one_text_and_each_metric_is_described_once() {
        let of = |profile: Option<&str>, server: &str| {
            let telemetry = Telemetry::new(profile);
            telemetry
                .of_server(server)
                .call(Duration::ZERO, Outcome::Fault("died"));
            telemetry.started(&server.into(), true);
            telemetry.text()
        };
        let first = of(None, "a");
        let text = merged(&[first.clone(), of(Some("work"), "a"), of(Some("play"), "b")]);
        let lines: Vec<&str> = text.lines().collect();
        let count = |wanted: &str| lines.iter().filter(|line| **line == wanted).count();
        for line in [
            "# TYPE portolan_call_errors counter",
            r#"portolan_call_errors_total{server="a"} 1"#,
            r#"portolan_call_errors_total{profile="work",server="a"} 1"#,
            r#"portolan_call_errors_total{profile="play",server="b"} 1"#,
            r#"portolan_sessions{profile="work"} 0"#,
            "portolan_sessions 0",
            "# EOF",
        ] {
            assert_eq!(count(line), 1, "{line}\n{text}");
        }
        assert_eq!(lines.last(), Some(&"# EOF"));
        let of_metric = |line: &&str| line.contains("portolan_call_errors");
        let begins = lines.iter().position(of_metric).unwrap_or_default();
        assert!(lines[begins..].iter().take(5).all(of_metric), "{text}");
        // One alone is what it is, but for metrics of which nothing is said yet.
        let bare = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(bare(&merged(std::slice::from_ref(&first))), bare(&first));
    }
}
