//! Somebody with a browser: signs in once, and then asks for page after page over one connection that is kept open, with as
//! little work of its own as can be.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::load::{Turn, Worker, micros};

/// A connection, and what it shows of who asks.
pub(crate) struct Visitor {
    stream: TcpStream,
    host: String,
    cookie: String,
    read: Vec<u8>,
}

/// An answer as it came: packed where that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

/// Where an answer's parts are in what was read.
#[derive(Debug, Clone)]
struct Bounds {
    head: usize,
    /// Each piece of the body, by its beginning and its end.
    body: Vec<(usize, usize)>,
}

impl Bounds {
    fn bytes(&self) -> usize {
        self.body.iter().map(|(from, to)| to - from).sum()
    }
}

impl Visitor {
    /// Signs in with a token at a server's `url`; gives the cookie.
    pub(crate) async fn sign_in(url: &str, token: &str) -> String {
        let mut stranger = Self::connect(url, "").await;
        let form = format!("token={}&back=", utf8_percent_encode(token, NON_ALPHANUMERIC));
        let head = format!(
            "POST /sign-in HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\ncontent-type: \
             application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len(),
            host = stranger.host,
        );
        let answer = stranger.ask(&head).await.expect("an answer at the door");
        let set = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
        let set = set.unwrap_or_else(|| panic!("not let in: {}", answer.head));
        set.split(';').next().unwrap_or_default().to_owned()
    }

    /// A connection of somebody who has signed in.
    pub(crate) async fn connect(url: &str, cookie: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        Self { stream, host, cookie: cookie.to_owned(), read: Vec::with_capacity(64 * 1_024) }
    }

    /// Something below the root, packed as browsers ask for it, or plain.
    pub(crate) async fn get(&mut self, path: &str, packed: bool) -> Result<Answer, String> {
        let request = self.request(path, packed);
        self.ask(&request).await
    }

    fn request(&self, path: &str, packed: bool) -> String {
        let accept = if packed { "accept-encoding: gzip\r\n" } else { "" };
        format!("GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n{accept}\r\n", self.host, self.cookie)
    }

    async fn ask(&mut self, request: &str) -> Result<Answer, String> {
        let bounds = self.exchange(request).await?;
        let body = bounds.body.iter().flat_map(|(from, to)| &self.read[*from..*to]).copied().collect();
        let head = String::from_utf8_lossy(&self.read[..bounds.head]).into_owned();
        Ok(Answer { status: status(&head), head, body })
    }

    /// Sends a request and reads until all of its answer is there.
    async fn exchange(&mut self, request: &str) -> Result<Bounds, String> {
        self.stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        self.read.clear();
        loop {
            if self.stream.read_buf(&mut self.read).await.map_err(|error| error.to_string())? == 0 {
                return Err("the server hung up".to_owned());
            }
            if let Some(bounds) = bounds(&self.read)? {
                return Ok(bounds);
            }
        }
    }
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Where the parts of an answer are, once it is whole.
fn bounds(read: &[u8]) -> Result<Option<Bounds>, String> {
    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let from = head + 4;
    if let Some(length) = field("content-length:") {
        let to = from + length.parse::<usize>().map_err(|error| error.to_string())?;
        return Ok((read.len() >= to).then(|| Bounds { head, body: vec![(from, to)] }));
    }
    if field("transfer-encoding:") != Some("chunked") {
        return Err(format!("an answer without an end: {text}"));
    }
    Ok(pieces(read, from)?.map(|body| Bounds { head, body }))
}

/// The pieces of a body that comes in chunks, once the last is there.
fn pieces(read: &[u8], mut at: usize) -> Result<Option<Vec<(usize, usize)>>, String> {
    let mut pieces = Vec::new();
    loop {
        let Some(line) = read[at..].windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&read[at..at + line]).map_err(|error| error.to_string())?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|error| error.to_string())?;
        let (from, to) = (at + line + 2, at + line + 2 + size);
        if read.len() < to + 2 {
            return Ok(None);
        }
        if size == 0 {
            return Ok(Some(pieces));
        }
        pieces.push((from, to));
        at = to + 2;
    }
}

/// Somebody who looks at the same page again and again.
pub(crate) struct Looker {
    visitor: Visitor,
    request: String,
}

impl Looker {
    pub(crate) fn new(visitor: Visitor, path: &str) -> Self {
        let request = visitor.request(path, true);
        Self { visitor, request }
    }
}

impl Worker for Looker {
    async fn cycle(&mut self, calls: &mut Vec<u32>) -> Turn {
        let began = Instant::now();
        let bounds = match self.visitor.exchange(&self.request).await {
            Ok(bounds) => bounds,
            Err(why) => return Turn::Failed(why),
        };
        calls.push(micros(began.elapsed()));
        let head = String::from_utf8_lossy(&self.visitor.read[..bounds.head]);
        match (status(&head), bounds.bytes()) {
            (200, 1..) => Turn::Done,
            (status, bytes) => Turn::Failed(format!("{status} with {bytes} bytes")),
        }
    }
}
