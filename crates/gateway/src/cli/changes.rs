//! Other settings while the gateway serves: by SIGHUP, and when a file that they were read from has changed.

use std::path::PathBuf;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::load;
use crate::watched::{LOOK, Watched};
use crate::{Reloaded, Reloader};

/// Looks for changes.
pub(super) struct Changes {
    config: Option<PathBuf>,
    watched: Watched,
    #[cfg(unix)]
    hang_up: Option<Signal>,
}

impl Changes {
    /// Of settings that were read from `config` and these files.
    pub(super) fn of(config: Option<PathBuf>, sources: Vec<PathBuf>) -> Self {
        Self {
            config,
            watched: Watched::of(sources),
            #[cfg(unix)]
            hang_up: signal(SignalKind::hangup()).ok(),
        }
    }

    /// Waits until the settings are to be read again.
    pub(super) async fn next(&mut self) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {
                    if self.watched.have_changed() {
                        return;
                    }
                }
                () = self.asked() => {
                    // What has changed until now is about to be read.
                    self.watched.have_changed();
                    return;
                }
            }
        }
    }

    #[cfg(unix)]
    async fn asked(&mut self) {
        match &mut self.hang_up {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) {
        std::future::pending().await
    }

    /// Reads the settings and puts them in force. What is wrong with them is told, and then all stays as it is.
    pub(super) async fn take(&mut self, reloader: Reloader) {
        let config = self.config.clone();
        let taken = tokio::task::spawn_blocking(move || {
            let (settings, catalog) = load(config)?;
            let sources = settings.sources.clone();
            let reloaded = reloader.take(settings, catalog)?;
            Ok::<_, super::Failed>((sources, reloaded))
        });
        match taken.await {
            Ok(Ok((sources, reloaded))) => {
                self.watched.follow(sources);
                tell(&reloaded);
            }
            Ok(Err(error)) => tracing::warn!(error = %error, "the settings in force stay"),
            Err(error) => tracing::warn!(error = %error, "the settings in force stay: reading others failed"),
        }
    }
}

fn tell(reloaded: &Reloaded) {
    tracing::info!(taken_over = %reloaded.taken_over.join(", "), "settings and catalogue were read again and are in force");
    if !reloaded.at_next_start.is_empty() {
        tracing::warn!(settings = %reloaded.at_next_start.join(", "), "these wait for the next start");
    }
}
