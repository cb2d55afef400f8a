//! Small pages over HTTP: a listener, its limits, and routes. What stands on a page is for others to say.
//!
//! Everything here is bounded, since it runs beside the keeping: so many connections at a time, one request
//! each, which is small, has no body and is over soon.
mod door;
mod talk;

pub use door::Door;

use crate::safe;
use tokio::sync::oneshot;

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// What there is.
    Index,
    /// Numbers for Prometheus.
    Metrics,
    /// Is it alive? A host restarts what is not.
    Live,
    /// Does it do what it is for?
    Ready,
}

impl Route {
    /// All, with their paths.
    pub const ALL: [(&'static str, Route); 4] = [
        ("/", Route::Index),
        ("/metrics", Route::Metrics),
        ("/livez", Route::Live),
        ("/readyz", Route::Ready),
    ];

    fn of(path: &str) -> Option<Route> {
        Route::ALL.into_iter().find(|(known, _)| *known == path).map(|(_, route)| route)
    }
}

/// A question, and the way back.
#[derive(Debug)]
pub struct Asked {
    /// What is asked for.
    pub route: Route,
    /// The kinds of text that are welcome (the header `Accept`).
    pub accept: String,
    /// Who asked may have gone.
    pub reply: oneshot::Sender<Page>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status: 200, 503.
    pub status: u16,
    /// What kind of text it is.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

impl Page {
    /// Plain text.
    pub fn plain(status: u16, text: String) -> Page {
        Page { status, kind: "text/plain; charset=utf-8", text: safe::text(&text) }
    }
}
