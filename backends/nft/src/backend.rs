//! The nf_tables backend: observe, and apply one plan as one batch.
use crate::compat::{self, Known, Lacking};
use crate::errors;
use crate::lower::Dialect;
use crate::observe::{self, Trouble};
use crate::read::{Body, Messages};
use crate::sending::Sending;
use crate::watch;
use crate::wire::Socket;
use crate::write::{Batch, Encoder, Unwritable, Writer};
use chainkeeper_contract::{
    Applied, Backend, BackendError, Errno, Family, Plan, Scope, Snapshot, Survey, Watch, Way,
};
use std::collections::BTreeMap;

/// How a backend writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Setup {
    /// Who makes the bytes.
    pub encoder: Encoder,
    /// In which expressions.
    pub dialect: Dialect,
    /// For tests: extensions that are to be taken for missing.
    pub lacking: Lacking,
}

/// nf_tables of the network namespace in which it was opened.
#[derive(Debug)]
pub struct NftBackend {
    socket: Socket,
    setup: Setup,
    /// Extensions that need not be asked for again.
    known: Known,
}

/// What the kernel answered to a batch.
enum Answer {
    Committed,
    /// The first error of each family that has one.
    Families(BTreeMap<Family, BackendError>),
}

impl NftBackend {
    /// Opens the socket in the calling thread's network namespace, where it has to be used, too: a look that
    /// ends early goes on with another socket. Needs no privilege yet.
    pub fn open(setup: Setup) -> Result<NftBackend, BackendError> {
        let socket = Socket::open(setup.encoder).map_err(observe::opening)?;
        Ok(NftBackend { socket, setup, known: Known::new() })
    }

    fn send(
        &mut self,
        plan: &Plan,
        families: &[Family],
        commit: bool,
    ) -> Result<Answer, BackendError> {
        let sending = match Sending::of(plan, families, self.setup.dialect) {
            Ok(sending) => sending,
            Err((family, error)) => return Ok(Answer::Families([(family, error)].into())),
        };
        let (messages, lacking) = (&sending.messages, self.setup.lacking);
        let asking = (&mut self.socket, &mut self.known);
        let missing = compat::missing(asking, messages, |nth| sending.step(nth), lacking)?;
        if !missing.is_empty() {
            return Ok(Answer::Families(missing));
        }
        let (seq, bytes) = match self.encode(&sending, plan.generation, commit) {
            Ok(encoded) => encoded,
            Err(why) => return Ok(Answer::Families([sending.unwritable(&why)].into())),
        };
        self.socket.send(&bytes).map_err(errors::batch)?;
        let refused = self.refused(&sending, seq, &bytes)?;
        if refused.is_empty() {
            return Ok(Answer::Committed);
        }
        // A module may be gone since it was asked for.
        self.known.clear();
        Ok(Answer::Families(refused))
    }

    /// Reads all that the kernel says of a batch whose first message has that number: the first error of each
    /// family that has one.
    fn refused(
        &mut self,
        sending: &Sending<'_>,
        seq: u32,
        sent: &[u8],
    ) -> Result<BTreeMap<Family, BackendError>, BackendError> {
        let mut refused = BTreeMap::new();
        while let Some(datagram) = self.socket.receive().map_err(errors::batch)? {
            for message in Messages::new(datagram) {
                let message = message.map_err(|why| BackendError::Garbled {
                    what: "commit".into(),
                    why: why.to_string(),
                })?;
                let Body::Error { errno, offset } = message.body else { continue };
                // ACKs prove nothing: they are sent for good messages of a failed batch, too.
                if errno == 0 {
                    continue;
                }
                let nth = message.seq.wrapping_sub(seq) as usize;
                let Some(nth) = nth.checked_sub(1) else {
                    return Err(errors::batch(Errno(errno)));
                };
                // An answer to an earlier request, lost by an overrun, is not about this batch.
                let refusal = sending.refusal(nth, sent, Errno(errno), offset);
                let Some((family, error)) = refusal else { continue };
                refused.entry(family).or_insert(error);
            }
        }
        Ok(refused)
    }

    /// The number of the first message, and the batch.
    fn encode(
        &mut self,
        sending: &Sending<'_>,
        generation: Option<u32>,
        commit: bool,
    ) -> Result<(u32, Vec<u8>), Unwritable> {
        let seq = self.socket.seqs(sending.messages.len() + 2);
        let batch = Batch::new(&sending.messages, generation, seq, commit)?;
        Ok((seq, self.setup.encoder.batch(&batch)))
    }

    /// The one datagram that [`Backend::apply`] would send for all families of the plan. Sends nothing.
    pub fn batch(&mut self, plan: &Plan) -> Result<Vec<u8>, BackendError> {
        let families: Vec<Family> = plan.families.keys().copied().collect();
        let sending =
            Sending::of(plan, &families, self.setup.dialect).map_err(|(_, error)| error)?;
        let encoded = self.encode(&sending, plan.generation, true);
        encoded.map(|(_, bytes)| bytes).map_err(|why| sending.unwritable(&why).1)
    }

    /// One batch for all families with steps; if only some are refused, the others' again alone.
    fn run(&mut self, plan: &Plan, commit: bool) -> Result<Applied, BackendError> {
        let mut applied =
            Applied { commits: 0, generation: plan.generation, families: BTreeMap::new() };
        let mut families: Vec<Family> = plan
            .families
            .iter()
            .filter(|(_, steps)| !steps.is_empty())
            .map(|(family, _)| *family)
            .collect();
        while !families.is_empty() {
            let answer = self.send(plan, &families, commit).inspect_err(|_| {
                // Answers to it may still be queued. What fails here fails again at the next send.
                let _ = self.socket.reopen();
            })?;
            match answer {
                Answer::Committed => {
                    applied.commits += u32::from(commit);
                    applied.families.extend(families.drain(..).map(|f| (f, Ok(()))));
                }
                Answer::Families(refused) => {
                    families.retain(|f| !refused.contains_key(f));
                    applied.families.extend(refused.into_iter().map(|(f, e)| (f, Err(e))));
                }
            }
        }
        if applied.commits > 0 {
            applied.generation = plan.generation.map(next_generation);
        }
        Ok(applied)
    }
}

/// The kernel skips 0 when the number wraps (nf_tables_commit).
fn next_generation(generation: u32) -> u32 {
    generation.wrapping_add(1).max(1)
}

impl Backend for NftBackend {
    fn kind(&self) -> &'static str {
        "nft"
    }

    fn observe(&mut self, scope: &Scope) -> Result<Snapshot, BackendError> {
        let (generation, families) =
            observe::steady(&mut self.socket, |socket| observe::families(socket, scope))?;
        Ok(Snapshot { generation: Some(generation), families })
    }

    fn apply(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.run(plan, true)
    }

    fn validate(&mut self, plan: &Plan) -> Result<Applied, BackendError> {
        self.run(plan, false)
    }

    fn generation(&mut self) -> Result<Option<u32>, BackendError> {
        match observe::generation(&mut self.socket) {
            Ok(generation) => Ok(Some(generation)),
            Err(Trouble::Failed(error)) => Err(error),
            Err(Trouble::Interrupted) => Ok(None),
        }
    }

    fn survey(&mut self) -> Result<Survey, BackendError> {
        let (_, survey) = observe::steady(&mut self.socket, observe::survey)?;
        Ok(survey)
    }

    /// Told: EPERM without CAP_NET_ADMIN. The kernel does not tell of what goes away without a commit:
    /// tables with an owner, when its socket closes. Asked: EPERM comes with the first question.
    fn watch(&self, way: Way) -> Result<Box<dyn Watch>, BackendError> {
        watch::open(way, self.setup.encoder)
    }
}
