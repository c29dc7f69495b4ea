//! The monitors, asked over real HTTP: a real Alertmanager and a real Prometheus as Debian ships them, and servers of
//! our own for what those two never do.

mod fake;
mod fault;
mod outside;
mod real;

use std::future::Future;
use std::time::Duration;

use alerts::{Firing, Kind, Source};

/// The longest anybody here waits for a program we did not write.
const PATIENCE: Duration = Duration::from_secs(30);

fn client() -> reqwest::Client {
    // Another test of this process may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    alerts::client().expect("a client")
}

fn source(name: &str, kind: Kind, url: &str) -> Source {
    Source::new(name, kind, url).expect("a source")
}

async fn firing(sources: &[Source]) -> Firing {
    alerts::firing(&client(), sources).await
}

/// Asks again until there is an answer. A program outside sends no signal, so this is the one place that polls.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain until {what}"))
}
