//! One connection: one request, one answer, and it ends.
use super::{Asked, Page, Route};
use hyper::body::{Body as _, Incoming};
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// The whole request has to be there by then.
const ASK: Duration = Duration::from_secs(5);
/// And the answer taken.
const ALL: Duration = Duration::from_secs(10);
/// The longest request, in bytes, and its most headers.
const LONGEST: usize = 8192;
const HEADERS: usize = 64;

/// Answers who connected. Who is too slow is cut off.
pub(super) async fn talk(stream: TcpStream, questions: mpsc::Sender<Asked>) {
    let service = service_fn(|request| answer(request, &questions));
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASK)
        // One request each: a connection that is kept takes a place from somebody else.
        .keep_alive(false)
        .half_close(true)
        .max_headers(HEADERS)
        .max_buf_size(LONGEST)
        .serve_connection(TokioIo::new(stream), service);
    // Who asks badly has been told so; who is gone needs to be told nothing.
    let _ = timeout(ALL, connection).await;
}

async fn answer(
    request: Request<Incoming>,
    questions: &mpsc::Sender<Asked>,
) -> Result<Response<String>, Infallible> {
    Ok(match page(&request, questions).await {
        Ok(page) => response(page),
        Err((status, why)) => {
            let mut refusal = response(Page::plain(status.as_u16(), format!("{why}\n")));
            if status == StatusCode::METHOD_NOT_ALLOWED {
                refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            refusal
        }
    })
}

async fn page(
    request: &Request<Incoming>,
    questions: &mpsc::Sender<Asked>,
) -> Result<Page, (StatusCode, &'static str)> {
    let Some(route) = Route::of(request.uri().path()) else {
        return Err((StatusCode::NOT_FOUND, "there is nothing here; / says what there is"));
    };
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "this is only to be read: GET"));
    }
    if !request.body().is_end_stream() {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "a question has no body"));
    }
    let accepted = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept = accepted.collect::<Vec<_>>().join(",");
    let (reply, page) = oneshot::channel();
    let gone = (StatusCode::SERVICE_UNAVAILABLE, "the service ends");
    questions.send(Asked { route, accept, reply }).await.map_err(|_| gone)?;
    page.await.map_err(|_| gone)
}

fn response(page: Page) -> Response<String> {
    let mut response = Response::new(page.text);
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
