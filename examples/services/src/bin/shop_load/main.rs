//! Load for the shop: a fixed number of requests over some connections, each with its own request id.
//!
//! ```sh
//! cargo run --release -p ringseal-examples --bin shop_load -- 127.0.0.1:8080 --requests 20000 --connections 64
//! ```
//!
//! Prints how many responses of which status came and how many requests a second that was. Ends with an error if a
//! response is missing or has another request id than its request.
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: shop_load ADDRESS [--requests N] [--connections N]";

/// Responses by status.
type Counts = BTreeMap<u16, u64>;
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or(USAGE)?;
    let (mut requests, mut connections) = (20_000, 64);
    while let Some(name) = arguments.next() {
        let number = arguments.next().and_then(|text| text.parse::<u64>().ok()).ok_or(USAGE)?;
        match name.as_str() {
            "--requests" => requests = number,
            "--connections" => connections = number.max(1),
            _ => return Err(USAGE.into()),
        }
    }
    let start = Instant::now();
    let counts = send(&address, requests, connections)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut out = io::stdout();
    for (status, count) in &counts {
        writeln!(out, "{count} responses with status {status}")?;
    }
    writeln!(out, "{:.0} requests a second", counts.values().sum::<u64>() as f64 / seconds)?;
    Ok(())
}

/// Sends the requests, each connection its share.
fn send(address: &str, requests: u64, connections: u64) -> Result<Counts, Failure> {
    let run = |connection: u64| -> Result<Counts, Failure> {
        let mut client = Client::connect(address)?;
        let mut counts = Counts::new();
        for number in (connection..requests).step_by(connections as usize) {
            *counts.entry(client.request(number)?).or_default() += 1;
        }
        Ok(counts)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..connections).map(|connection| scope.spawn(move || run(connection))).collect();
        let mut sum = Counts::new();
        for thread in threads {
            let counts = thread.join().map_err(|_| "a connection's thread panicked")??;
            counts.into_iter().for_each(|(status, count)| *sum.entry(status).or_default() += count);
        }
        Ok(sum)
    })
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: &str) -> Result<Client, Failure> {
        let stream = TcpStream::connect(address).map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Client(BufReader::new(stream)))
    }

    /// Sends the request of this number, and reads the whole response; returns its status.
    fn request(&mut self, number: u64) -> Result<u16, Failure> {
        let product = 1 + number % 100;
        let order =
            format!(r#"{{"product":{product},"quantity":1,"customer":"customer {number}"}}"#);
        let (method, path, body) = match number % 50 {
            0 => ("GET", "/products/12345".to_owned(), ""),
            1 => ("GET", "/export".to_owned(), ""),
            2 => ("GET", "/bug".to_owned(), ""),
            3 => ("POST", "/orders".to_owned(), "no order"),
            4..12 => ("POST", "/orders".to_owned(), order.as_str()),
            _ => ("GET", format!("/products/{product}"), ""),
        };
        let id = format!("load-{number}");
        let len = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: shop\r\nx-request-id: {id}\r\n");
        let request = format!("{head}content-length: {len}\r\n\r\n{body}");
        self.0.get_mut().write_all(request.as_bytes())?;
        let (status, found) = self.response()?;
        if found.as_deref() != Some(&*id) {
            return Err(format!("expected the request id {id}, found {found:?}").into());
        }
        Ok(status)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err("expected a response, found the end of the connection".into());
        }
        Ok(line.trim_end().to_owned())
    }

    /// The status and the request id of a response.
    fn response(&mut self) -> Result<(u16, Option<String>), Failure> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| format!("expected a status, found {first}"))?;
        let (mut id, mut len, mut is_chunked) = (None, 0, false);
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "x-request-id" => id = Some(value.to_owned()),
                "content-length" => len = value.parse()?,
                "transfer-encoding" => is_chunked = value == "chunked",
                _ => {}
            }
        }
        match is_chunked {
            true => while self.chunk()? > 0 {},
            false => self.skip(len)?,
        }
        Ok((status, id))
    }

    /// Skips a chunk; returns its length.
    fn chunk(&mut self) -> Result<u64, Failure> {
        let len = u64::from_str_radix(&self.line()?, 16)?;
        self.skip(len + 2)?;
        Ok(len)
    }

    fn skip(&mut self, len: u64) -> Result<(), Failure> {
        let skipped = io::copy(&mut (&mut self.0).take(len), &mut io::sink())?;
        if skipped == len { Ok(()) } else { Err("the response is shorter than it says".into()) }
    }
}
