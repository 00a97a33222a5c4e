//! `portolan server init DIR`: a small server of one's own that works. Owns which files there are for a language; what stands in
//! them is in `init/`, and a test runs them with the real SDKs.

use std::path::{Path, PathBuf};

use catalog::ServerName;
use serde::Serialize;
use serde_json::json;

use crate::error::{Failure, Kind};
use crate::ui::{Label, Line, Ui};

/// Begin a server of your own: a folder with one that works, to be changed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  portolan server init hello --language python
  portolan server init hello --template chatgpt-app-basic")]
pub(crate) struct Args {
    /// The folder; its last step is the name of the server
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// In which language
    #[arg(long, value_name = "LANGUAGE", default_value = "go")]
    language: Language,
    /// With one tool, or with a page of its own in ChatGPT too
    #[arg(long, value_name = "TEMPLATE", default_value = "basic")]
    template: Template,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Go,
    Python,
    Typescript,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Template {
    Basic,
    ChatgptAppBasic,
}

#[derive(Serialize)]
struct Done {
    name: String,
    folder: PathBuf,
    files: Vec<&'static str>,
    next: Vec<&'static str>,
}

/// The files of a language: what is particular to it, and its program by template.
struct Kit {
    files: &'static [(&'static str, &'static str)],
    program: &'static str,
    basic: &'static str,
    app: &'static str,
    /// What makes it ready to start.
    prepare: &'static str,
    /// How it is started, in its folder.
    start: &'static [&'static str],
}

const GO: Kit = Kit {
    files: &[
        ("go.mod", include_str!("init/go/go.mod.txt")),
        ("Dockerfile", include_str!("init/go/Dockerfile")),
    ],
    program: "main.go",
    basic: include_str!("init/go/main.go"),
    app: include_str!("init/go/main-app.go"),
    prepare: "go mod tidy && go build -o server .",
    start: &["./server"],
};

const PYTHON: Kit = Kit {
    files: &[
        ("pyproject.toml", include_str!("init/python/pyproject.toml")),
        ("Dockerfile", include_str!("init/python/Dockerfile")),
    ],
    program: "server.py",
    basic: include_str!("init/python/server.py"),
    app: include_str!("init/python/server-app.py"),
    prepare: "python3 -m venv .venv && .venv/bin/pip install .",
    start: &[".venv/bin/python", "server.py"],
};

const TYPESCRIPT: Kit = Kit {
    files: &[
        ("package.json", include_str!("init/typescript/package.json")),
        ("Dockerfile", include_str!("init/typescript/Dockerfile")),
    ],
    program: "server.ts",
    basic: include_str!("init/typescript/server.ts"),
    app: include_str!("init/typescript/server-app.ts"),
    prepare: "npm install",
    start: &["node", "server.ts"],
};

const PAGE: &str = include_str!("init/greeting.html");
const CATALOG: &str = include_str!("init/catalog.yaml");
const README: &str = include_str!("init/README.md");

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    let folder = std::path::absolute(&args.folder)
        .map_err(|error| Failure::usage("that is no folder").because(&error))?;
    let name = name(&folder)?;
    let is_free =
        std::fs::read_dir(&folder).map_or(!folder.exists(), |mut all| all.next().is_none());
    if !is_free {
        let message = format!("{} is not empty", folder.display());
        return Err(Failure::new(Kind::Failed, message).hint("name a folder that is not there yet"));
    }
    let kit = match args.language {
        Language::Go => GO,
        Language::Python => PYTHON,
        Language::Typescript => TYPESCRIPT,
    };
    let files = files(&kit, args.template, &folder);
    let unwritten = |error: &std::io::Error| {
        let message = format!("{} cannot be written", folder.display());
        Failure::new(Kind::Failed, message).because(error)
    };
    std::fs::create_dir_all(&folder).map_err(|error| unwritten(&error))?;
    for (file, text) in &files {
        let text = text
            .replace("{{name}}", &name)
            .replace("{{build}}", kit.prepare);
        config::write_atomic(&folder.join(file), text.as_bytes(), 0o644)
            .map_err(|error| unwritten(&error))?;
    }
    let done = Done {
        name,
        files: files.iter().map(|(file, _)| *file).collect(),
        next: vec![kit.prepare, "portolan tools ls --config mcp.json"],
        folder,
    };
    ui.value(&done, |ui| {
        let line = Line::new().put(Label::Name, done.folder.display().to_string());
        ui.note(&line.text(format!(" is there: {}", done.files.join(", "))));
        for next in &done.next {
            ui.note(&Line::new().put(Label::Hint, "next: ").text(*next));
        }
    })
}

/// A name that images, packages and catalogs can have.
fn name(folder: &Path) -> Result<String, Failure> {
    let last = folder.file_name().unwrap_or_default().to_string_lossy();
    let name = ServerName::repaired(&last.to_lowercase());
    name.map(|name| name.to_string())
        .ok_or_else(|| Failure::usage("the folder needs a name with a letter in it"))
}

fn files(kit: &Kit, template: Template, folder: &Path) -> Vec<(&'static str, String)> {
    let own = kit.files.iter();
    let mut files: Vec<(&str, String)> = own
        .map(|(file, text)| (*file, (*text).to_owned()))
        .collect();
    files.push((
        kit.program,
        match template {
            Template::Basic => kit.basic,
            Template::ChatgptAppBasic => kit.app,
        }
        .to_owned(),
    ));
    if template == Template::ChatgptAppBasic {
        files.push(("greeting.html", PAGE.to_owned()));
    }
    let (command, rest) = kit.start.split_first().unwrap_or((&"", &[]));
    let server = json!({"command": command, "args": rest, "cwd": folder.display().to_string()});
    let client = format!("{:#}\n", json!({"mcpServers": {"{{name}}": server}}));
    files.push(("mcp.json", client));
    files.push(("catalog.yaml", CATALOG.to_owned()));
    files.push(("README.md", README.to_owned()));
    files
}
