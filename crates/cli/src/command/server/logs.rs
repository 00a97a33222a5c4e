//! `portolan server logs NAME`

use serde::{Deserialize, Serialize};

use crate::admin::segment;
use crate::choice::Running;
use crate::error::{Failure, Kind};
use crate::format::Format;
use crate::limits::LOG_LOOK;
use crate::running::{self, Gateway};
use crate::ui::{Label, Line, Ui};

/// Show the last lines that a server wrote on stderr
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan server logs github                  the last 100 lines
  portolan server logs github -f --tail 0      what comes from now on, also after a restart
  portolan server logs github -f --format json a JSON object per line")]
pub(crate) struct Args {
    /// The server
    name: String,
    /// How many lines
    #[arg(
        long,
        short = 'n',
        visible_alias = "tail",
        default_value_t = 100,
        value_name = "N"
    )]
    lines: usize,
    /// Go on with what it writes, until Ctrl-C or the end of the gateway
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    running: Running,
}

#[derive(Deserialize, Serialize)]
struct Lines {
    lines: Vec<String>,
    #[serde(default, skip_serializing)]
    next: String,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let (gateway, _) = running::holder(&args.running, &args.name)?;
    if args.follow {
        return follow(ui, &gateway, args);
    }
    let lines = ask(&gateway, args, None)?;
    ui.value(&lines, |ui| {
        if lines.lines.is_empty() {
            let said = format!("{} has written nothing on stderr.", args.name);
            ui.note(&Line::new().put(Label::Dim, said));
        }
        ui.document(&lines.lines.join("\n"));
    })
}

fn follow(ui: &Ui, gateway: &Gateway, args: &Args) -> Result<(), Failure> {
    if ui.format() == Format::Yaml {
        return Err(
            Failure::usage("--follow has no end, so it is no YAML document")
                .hint("--format json writes an object per line"),
        );
    }
    let mut cursor = String::new();
    loop {
        let page = match ask(gateway, args, Some(&cursor)) {
            Ok(page) => page,
            // It has ended meanwhile, and the server with it.
            Err(failure) if !cursor.is_empty() && failure.kind() == Kind::NotRunning => {
                ui.note(&Line::new().put(Label::Dim, "The gateway has ended."));
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        for line in &page.lines {
            match ui.format() {
                Format::Human => ui.data(&Line::new().text(line.clone())),
                _ => ui.document(&serde_json::json!({ "line": line }).to_string()),
            }
        }
        if ui.is_gone() {
            return Ok(());
        }
        cursor = match page.next.is_empty() {
            // Nothing of it runs yet; what it will write is new all the same.
            true => "-".to_owned(),
            false => page.next,
        };
        std::thread::park_timeout(LOG_LOOK);
    }
}

fn ask(gateway: &Gateway, args: &Args, after: Option<&str>) -> Result<Lines, Failure> {
    let mut target = format!("/servers/{}/logs?lines={}", segment(&args.name), args.lines);
    if let Some(after) = after {
        target.push_str(&format!("&after={}", segment(after)));
    }
    let answer = running::ask(gateway, "GET", &target)?;
    serde_json::from_str(&answer.body).map_err(|e| {
        Failure::internal(
            format!("gateway `{}` answered something else", gateway.id),
            e,
        )
    })
}
