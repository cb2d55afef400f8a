//! The other end of the socket: in `run`.
use super::{Answer, Request, connect};
use crate::safe;
use crate::story::Event;
use nix::sys::stat::{Mode, fchmod};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixSocket, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tracing::warn;

/// Who connects has to ask within this time.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest question, in bytes.
const LONGEST: u64 = 4096;
/// Connections at a time.
const MOST: usize = 32;
/// Those who wait for one, in the kernel.
const QUEUE: u32 = 128;

/// A question, and where the answers go: those that are there, and the stream of those to come.
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// The way back.
    pub reply: oneshot::Sender<Reply>,
}

/// Answers of now, and of later where those were asked for.
pub struct Reply {
    /// All that there is.
    pub now: Vec<Answer>,
    /// What happens from now on.
    pub later: Option<broadcast::Receiver<Event>>,
}

/// The socket. Its file goes when this is dropped; who is being answered is answered.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    accepting: AbortHandle,
    /// Device and inode of our file.
    file: Option<(u64, u64)>,
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Nothing is at that path, or the socket of a service that has ended. What is somebody else's stays.
pub(super) fn free(path: &Path) -> io::Result<()> {
    let taken = |why| Err(io::Error::new(io::ErrorKind::AddrInUse, why));
    match connect(path) {
        Ok(_) => taken("another chainkeeper serves there"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            taken("another chainkeeper serves there")
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            match std::fs::symlink_metadata(path)?.file_type().is_socket() {
                true => Ok(()),
                false => taken("what is there is no socket"),
            }
        }
        Err(error) => Err(error),
    }
}

impl Server {
    /// Serves at that path; questions come out of the receiver. An old file without a service behind it
    /// is replaced. For root and our own user alone.
    pub fn start(path: &Path) -> io::Result<(Server, mpsc::Receiver<Asked>)> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        free(path)?;
        // Bound under another name, which takes the place of the old one. Always the same one: who was killed
        // in between leaves nothing for ever.
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let _ = std::fs::remove_file(&new);
        let socket = UnixSocket::new_stream()?;
        // The mode of the file that is made by `bind`, from its beginning on. A chmod would go by a name, which
        // may be another file's by then where others may write to the folder.
        fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
        socket.bind(&new)?;
        let listener = socket.listen(QUEUE).and_then(|it| std::fs::rename(&new, path).map(|()| it));
        if listener.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        let listener = listener?;
        let file = identity(path);
        let (questions, inbox) = mpsc::channel(MOST);
        let accepting = tokio::spawn(accept(listener, questions)).abort_handle();
        Ok((Server { path: path.to_owned(), accepting, file }, inbox))
    }

    /// Nothing is at its path any more, so nobody finds it.
    pub fn is_lost(&self) -> bool {
        let nothing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
        std::fs::symlink_metadata(&self.path).is_err_and(|e| nothing.contains(&e.kind()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        if self.file.is_some() && identity(&self.path) == self.file {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn accept(listener: UnixListener, questions: mpsc::Sender<Asked>) {
    let places = Arc::new(Semaphore::new(MOST));
    let followers = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (questions, followers) = (questions.clone(), Arc::clone(&followers));
                tokio::spawn(async move {
                    // Who asked and went away has no need of an answer.
                    let _ = serve(stream, questions, place, followers).await;
                });
            }
            // Out of descriptors: those that are in use end.
            Err(why) => {
                warn!("who asks at the socket has to wait: {why}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(
    mut stream: UnixStream,
    questions: mpsc::Sender<Asked>,
    place: OwnedSemaphorePermit,
    followers: Arc<Semaphore>,
) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST));
    timeout(PATIENCE, read.read_line(&mut line)).await??;
    let request = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => return say(&mut write, &Answer::Error(error.to_string())).await,
    };
    let (reply, answer) = oneshot::channel();
    let asked = Asked { request, reply };
    questions.send(asked).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
    let Reply { now, later } = answer.await.map_err(|_| io::ErrorKind::BrokenPipe)?;
    for answer in &now {
        say(&mut write, answer).await?;
    }
    let Some(mut later) = later else { return Ok(()) };
    // Who follows takes no place of those who ask.
    let Ok(_following) = followers.try_acquire_owned() else {
        return say(&mut write, &Answer::Error("too many follow already".into())).await;
    };
    drop(place);
    let mut gone = [0; 1];
    loop {
        tokio::select! {
            event = later.recv() => match event {
                Ok(event) => say(&mut write, &Answer::Event(event)).await?,
                Err(broadcast::error::RecvError::Lagged(n)) => {
                    say(&mut write, &Answer::Error(format!("{n} events were too fast for you"))).await?;
                }
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
            // Nothing more is asked: what can be read is the end.
            _ = read.get_mut().get_mut().read(&mut gone) => return Ok(()),
        }
    }
}

async fn say(to: &mut (impl tokio::io::AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = safe::json(&serde_json::to_string(answer)?);
    line.push('\n');
    timeout(PATIENCE, to.write_all(line.as_bytes())).await?
}
