//! `portolan demo`: the gateway in this process, real servers behind it, a client before it, over HTTP, all
//! in a temporary home. Owns the script of the play. Read `demo/cast.rs` (which servers) and
//! `demo/player.rs` (the client) next.

mod cast;
mod home;
mod player;
mod serving;
mod stage;

use std::time::Instant;

use config::{Runtime, Settings};
use launch::Launcher;

use crate::error::{Failure, Kind};
use crate::surroundings::Surroundings;
use crate::ui::{Ui, counted};
use crate::{engine, launchers};

use cast::Actor;
use player::Player;
use serving::Serving;
use stage::Stage;

/// See the gateway work with real servers, in half a minute
///
/// Starts the gateway on a free port and real servers behind it, each in a box of its own: from npm where Node is
/// installed, from PyPI where Python is, else a small one of our own. Then plays a client against it and prints every
/// step with its time. Needs no account and no secret, and leaves nothing running.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Use only the built-in server: no network, nothing installed
    #[arg(long)]
    offline: bool,

    /// Start servers without isolation where no box can be made
    #[arg(long)]
    allow_unsandboxed: bool,
}

pub(crate) fn run(ui: &Ui, args: &Args) -> Result<(), Failure> {
    engine::block_on(async {
        let stage = Stage::new(ui);
        let calls = engine::unless_interrupted(play(&stage, args)).await?;
        stage.finish(calls)?;
        if calls == 0 {
            return Err(Failure::new(Kind::Failed, "no tool could be called"));
        }
        Ok(())
    })
}

/// All of it; how many calls were answered.
async fn play(stage: &Stage<'_>, args: &Args) -> Result<usize, Failure> {
    let here = Surroundings::of_process()?;
    let mut settings = Settings::default();
    settings.allow_unsandboxed = args.allow_unsandboxed;
    let own = cast::own()?;
    // Where there are no boxes at all, there is no launcher of them either.
    let launcher = launchers::to_ask(&here, &settings);
    match &launcher {
        Ok(launcher) if !args.offline => {
            let actors = cast::real(stage, launcher).await;
            if !actors.is_empty() {
                let calls = perform(stage, &here, &settings, actors).await?;
                if calls > 0 {
                    return Ok(calls);
                }
            }
            stage.skip(
                "built-in",
                "no server of others works here: a small one of our own stands in",
            );
        }
        Ok(_) => {}
        Err(failure) => stage.skip("boxes", failure.message()),
    }
    let is_kept = launcher.is_ok_and(|launcher| launcher.refuses(&own.entry).is_none());
    if !is_kept {
        // It is this very program.
        settings.runtime = Runtime::Process;
    }
    perform(stage, &here, &settings, vec![own]).await
}

/// One performance: gateway up, calls, gateway down.
async fn perform(
    stage: &Stage<'_>,
    here: &Surroundings,
    settings: &Settings,
    actors: Vec<Actor>,
) -> Result<usize, Failure> {
    let home = home::Home::new()?;
    let begun = Instant::now();
    let loaded = config::Loaded {
        entries: actors.iter().map(|actor| actor.entry.clone()).collect(),
        settings: settings.clone(),
        ..config::Loaded::default()
    };
    // What was installed stays for the next time; everything else is of this home.
    let mut here = here.clone();
    here.dirs = config::Dirs {
        cache: here.dirs.cache,
        ..config::Dirs::under(home.path())
    };
    let serving = Serving::start(stage.ui(), here, loaded).await?;
    stage.step("start", &format!("gateway at {}", serving.url()), begun);
    if let Some(level) = serving.isolation() {
        stage.step("isolation", &level, begun);
    }

    let played = scenes(stage, &actors, &serving).await;

    let begun = Instant::now();
    serving.stop().await?;
    stage.step("stop", "gateway and servers are gone", begun);
    played
}

async fn scenes(stage: &Stage<'_>, actors: &[Actor], serving: &Serving) -> Result<usize, Failure> {
    let mut player = Player::new(serving.url(), serving.token())?;
    let begun = Instant::now();
    let server = player.initialize().await?;
    stage.step("initialize", &server, begun);

    let begun = Instant::now();
    stage.wait("servers are starting");
    let tools = player.tools().await;
    stage.wait("");
    let tools = tools?;
    let broken = serving.broken();
    let working = actors.len() - broken.len().min(actors.len());
    stage.step(
        "tools/list",
        &format!(
            "{} from {}",
            counted(tools.len(), "tool"),
            counted(working, "server")
        ),
        begun,
    );
    for (server, reason) in broken {
        stage.skip(&server, &reason);
    }

    let mut calls = 0;
    for scene in actors.iter().flat_map(|actor| &actor.scenes) {
        let Some(tool) = tools.iter().find(|t| t.as_str() == scene.tool) else {
            continue;
        };
        let begun = Instant::now();
        match player
            .call(tool, scene.arguments, scene.reports_progress)
            .await
        {
            Ok(answer) => {
                calls += 1;
                stage.call(tool, scene.arguments, &answer, begun);
            }
            Err(failure) => stage.skip(tool, failure.message()),
        }
    }
    player.leave().await;
    Ok(calls)
}
