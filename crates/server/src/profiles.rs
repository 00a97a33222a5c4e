//! Gateways beside the door's own, one for each profile (`/mcp/p/<profile>`). Owns that each worker has a door to each of them that is
//! in use. Which there are, and how one is made, is known behind [`Profiles`].

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use gateway::front::Gateway;
use http::{Response, StatusCode};
use wire::code;

use crate::body::Body;
use crate::door::Door;
use crate::respond;

/// What a question for a gateway comes to.
pub type Found<'p> = Pin<Box<dyn Future<Output = Result<Gateway, Absent>> + Send + 'p>>;

/// Has a gateway for each profile, made when it is first asked for.
pub trait Profiles: Send + Sync {
    /// That of a profile.
    fn gateway<'p>(&'p self, profile: &'p str) -> Found<'p>;

    /// Those that are there.
    fn all(&self) -> Vec<Gateway>;
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absent {
    /// There is no such profile.
    #[error("there is no profile of this name")]
    Unknown,
    /// It cannot be used, or not now.
    #[error("this profile cannot be used: {0}")]
    Broken(String),
}

/// The doors of one worker to the gateways of profiles.
pub(crate) struct Doors {
    profiles: Arc<dyn Profiles>,
    known: Mutex<HashMap<String, Arc<Door>>>,
}

impl Doors {
    pub(crate) fn new(profiles: Arc<dyn Profiles>) -> Self {
        Self {
            profiles,
            known: Mutex::default(),
        }
    }

    /// The door to a profile, like the one that was asked.
    pub(crate) async fn to(
        &self,
        profile: &str,
        like: &Door,
    ) -> Result<Arc<Door>, Box<Response<Body>>> {
        let found = self.profiles.gateway(profile).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let gateway = found.map_err(|absent| {
            known.remove(profile);
            refused(&absent)
        })?;
        // One that was removed and made again has another gateway.
        if let Some(door) = known.get(profile)
            && door.gateway.is(&gateway)
        {
            return Ok(Arc::clone(door));
        }
        let door = Arc::new(like.to(gateway));
        known.insert(profile.to_owned(), Arc::clone(&door));
        Ok(door)
    }
}

fn refused(absent: &Absent) -> Box<Response<Body>> {
    let status = match absent {
        Absent::Unknown => StatusCode::NOT_FOUND,
        Absent::Broken(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let why = absent.to_string();
    Box::new(respond::error(status, None, code::INVALID_REQUEST, &why))
}
