//! What a running service answers.
use super::Host;
use chainkeeper::control::{Answer, Request, ask, ask_once};
use chainkeeper::status::Status;
use chainkeeper::story::Event;

impl Host {
    /// How it is. `None`: nobody answers.
    pub(crate) fn status(&self) -> Option<Status> {
        match ask_once(&self.socket(), &Request::Status {}) {
            Ok(Answer::Status(status)) => Some(*status),
            Ok(answer) => panic!("{answer:?}"),
            Err(_) => None,
        }
    }

    /// It has looked, and nothing is missing.
    pub(crate) fn is_in_sync(&self) -> bool {
        self.status().is_some_and(|s| s.looked_ms.is_some() && s.in_sync())
    }

    /// What has happened so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let (path, request) = (self.socket(), Request::Events { since_ms: 0, follow: false });
        let answers = ask(&path, &request).expect("the service serves");
        let event = |answer| match answer {
            Ok(Answer::Event(event)) => Some(event),
            Ok(_) | Err(_) => None,
        };
        answers.filter_map(event).collect()
    }
}
