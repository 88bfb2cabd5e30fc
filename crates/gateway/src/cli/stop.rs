//! Being told to stop.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Hears interrupts and terminations from the moment it is made, so that none is missed while a server starts.
pub(super) struct Stop {
    #[cfg(unix)]
    signals: [Option<Signal>; 2],
}

/// How it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// By whoever sits before it.
    Interrupt,
    /// By what runs it.
    Terminate,
}

impl Stop {
    /// Begins to listen. A signal that cannot be heard keeps its ordinary effect.
    #[cfg(unix)]
    pub(super) fn listen() -> Self {
        let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
        Self { signals }
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub(super) fn listen() -> Self {
        Self {}
    }

    /// Waits for the next signal.
    #[cfg(unix)]
    pub(super) async fn asked(&mut self) -> Asked {
        let [interrupt, terminate] = self.signals.each_mut().map(|signal| async move {
            match signal {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        });
        tokio::select! {
            _ = interrupt => Asked::Interrupt,
            _ = terminate => Asked::Terminate,
        }
    }

    /// Waits for an interrupt.
    #[cfg(not(unix))]
    pub(super) async fn asked(&mut self) -> Asked {
        let _ = tokio::signal::ctrl_c().await;
        Asked::Interrupt
    }
}
