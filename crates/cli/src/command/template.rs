//! `portolan template …`: starter sets of servers.

use clap::Subcommand;
use serde::Serialize;

use super::profile::create::{Making, make};
use crate::error::Failure;
use crate::templates::{TEMPLATES, get};
use crate::ui::{Label, Table, Ui};

/// Begin with a set of servers that belong together
#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// List the starter sets
    #[command(visible_alias = "list")]
    Ls,
    /// Make a profile of one
    Use(UseArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct UseArgs {
    /// Which one
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// What the profile is called [default: as the template is]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Connect an application to the profile (repeatable)
    #[arg(long, value_name = "CLIENT", value_delimiter = ',')]
    connect: Vec<String>,
}

impl Template {
    pub(super) fn run(self, ui: &Ui) -> Result<(), Failure> {
        match self {
            Self::Ls => ls(ui),
            Self::Use(args) => {
                let template = get(&args.template)?;
                let name = args.name.as_deref();
                let making = Making {
                    name: name.unwrap_or(template.title).to_owned(),
                    id: name.is_none().then(|| template.id.to_owned()),
                    servers: template.words(),
                    connect: args.connect.clone(),
                };
                make(ui, &making)
            }
        }
    }
}

#[derive(Serialize)]
struct Listed {
    id: &'static str,
    title: &'static str,
    description: &'static str,
    servers: &'static [&'static str],
}

#[derive(Serialize)]
struct Listing {
    templates: Vec<Listed>,
}

fn ls(ui: &Ui) -> Result<(), Failure> {
    let listed = TEMPLATES.iter().map(|template| Listed {
        id: template.id,
        title: template.title,
        description: template.description,
        servers: template.servers,
    });
    let listing = Listing {
        templates: listed.collect(),
    };
    ui.value(&listing, |ui| {
        let mut table = Table::new(&["template", "servers", "for"]).whole();
        for one in &listing.templates {
            table.row(vec![
                (Label::Name, one.id.to_owned()),
                (Label::Plain, one.servers.join(", ")),
                (Label::Plain, one.description.to_owned()),
            ]);
        }
        ui.table(&table);
    })
}
