//! Health and metrics over HTTP: three paths, GET, one answer a connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::log;
use crate::state::State;

/// The longest head of a request, in bytes.
const HEAD: usize = 8 << 10;
/// A client that sends nothing must not hold up the others for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers until the program ends.
pub async fn serve(listener: TcpListener, state: &State) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = timeout(PATIENCE, answer(stream, state)).await;
            }
            Err(error) => {
                log::warn(
                    "accepting a connection failed",
                    &[("reason", &error.to_string())],
                );
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD {
        match stream.read(&mut piece).await? {
            0 => break,
            read => head.extend_from_slice(&piece[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split_ascii_whitespace();
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, text) = match (method, path) {
        (Some("GET"), "/metrics") => ("200 OK", state.metrics()),
        (Some("GET"), "/healthz") => health(state.alive()),
        (Some("GET"), "/readyz") => health(state.ready()),
        (Some("GET"), _) => (
            "404 Not Found",
            "there are /healthz, /readyz and /metrics\n".into(),
        ),
        _ => ("405 Method Not Allowed", "only GET\n".into()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn health(state: Result<(), String>) -> (&'static str, String) {
    match state {
        Ok(()) => ("200 OK", "ok\n".into()),
        Err(reason) => ("503 Service Unavailable", reason + "\n"),
    }
}
