//! The thread that writes: one group of writes after another, each in a transaction.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::apply::{Rows, apply};
use super::queue::{Item, Next, Queue};
use super::waiting::WaitingFile;
use super::{Ask, Entry, Place, Write, Written};
use crate::db::DatabaseError;
use crate::db::link::{COMMIT, Link, Tally};

/// Writes of one transaction: more only make each other wait longer.
const GROUP_MAX: usize = 64;
/// How long a transaction, or connecting, may take on PostgreSQL until the connection is given up.
const TRANSACTION_MAX: Duration = Duration::from_secs(5);
/// Between two tries while nothing can be written.
const PAUSE: Duration = Duration::from_millis(100);

/// The one writer.
pub(super) struct Writer {
    place: Place,
    /// Replaced whenever a transaction did not end cleanly.
    link: Option<Link>,
    queue: Arc<Queue>,
    file: Option<Arc<WaitingFile>>,
    tally: Arc<Tally>,
}

impl Writer {
    /// Starts it on a thread of its own, with its own timers: nothing else can hold it up.
    pub(super) fn start(
        place: &Place,
        queue: Arc<Queue>,
        file: Option<Arc<WaitingFile>>,
        tally: Arc<Tally>,
    ) -> Result<JoinHandle<()>, DatabaseError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let writer = Self {
            place: place.clone(),
            link: None,
            queue,
            file,
            tally,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        Ok(thread.spawn(move || runtime.block_on(writer.run()))?)
    }

    async fn run(mut self) {
        loop {
            match self.queue.take(GROUP_MAX) {
                Next::Write(mut group) => {
                    // In one order everywhere, so that replicas seldom wait for each other in a circle.
                    group.sort_by(|one, other| one.write.account().cmp(other.write.account()));
                    self.write(group).await;
                }
                Next::Wait(most) => self.queue.added(most).await,
                Next::End => break,
            }
        }
        if let Some(link) = self.link.take() {
            // A server that does not answer is not waited for.
            let _ = timeout(TRANSACTION_MAX, link.close()).await;
        }
    }

    /// Writes a group, in halves while one of it cannot be written; what cannot be written now is next again.
    async fn write(&mut self, group: Vec<Arc<Item>>) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            match self.transaction(&group).await {
                Ok(written) => {
                    for (item, written) in group.iter().zip(written) {
                        self.over(item, Ok(written));
                    }
                }
                Err(error) if error.is_of_the_write() && group.len() > 1 => {
                    let second = group.split_off(group.len() / 2);
                    groups.extend([second, group]);
                }
                Err(error) if error.is_of_the_write() => {
                    for item in group {
                        self.over(&item, Err(DatabaseError::Refused(error.to_string())));
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the database does not take writes");
                    let rest = std::iter::once(group).chain(groups.into_iter().rev()).flatten();
                    self.queue.give_back(rest.collect(), &error);
                    sleep(PAUSE).await;
                    return;
                }
            }
        }
    }

    /// Nothing more is to be done for an item.
    fn over(&self, item: &Arc<Item>, result: Result<Written, DatabaseError>) {
        item.note_over();
        if let Some(file) = &self.file {
            file.over(item);
        }
        if let (Write::Entry(entry), Err(error)) = (&item.write, &result) {
            tracing::error!(generation.id = entry.generation_id(), error = %error, "something that was accepted cannot be written");
        }
        let begun = matches!(result, Ok(Written::Held(Ok(_))));
        let heard = item.answer(result);
        if let (Write::Ask(Ask::Begin { start, .. }), true, false) = (&item.write, begun, heard) {
            // Its caller was told that nothing can be written.
            let withdraw = Entry::Withdraw {
                generation_id: start.id.clone(),
                now: start.created_at,
            };
            drop(self.queue.push(Write::Entry(withdraw)));
        }
        self.queue.over(item);
    }

    /// All of the group, or nothing. When it fails the connection is let go unless it could take everything back.
    async fn transaction(&mut self, group: &[Arc<Item>]) -> Result<Vec<Written>, DatabaseError> {
        let late = |_| DatabaseError::Unavailable;
        let mut link = match self.link.take() {
            Some(link) => link,
            None => timeout(
                TRANSACTION_MAX,
                Link::open(&self.place.url, self.place.dialect, &self.tally),
            )
            .await
            .map_err(late)??,
        };
        let written = timeout(TRANSACTION_MAX, self.all(&mut link, group)).await;
        match written {
            Ok(Ok(written)) => {
                self.link = Some(link);
                Ok(written)
            }
            Ok(Err(error)) => {
                group.iter().for_each(|item| item.note_tried());
                let undone = timeout(TRANSACTION_MAX, link.order("ROLLBACK")).await;
                if error.is_of_the_write() && matches!(undone, Ok(Ok(()))) {
                    self.link = Some(link);
                }
                Err(error)
            }
            Err(elapsed) => {
                group.iter().for_each(|item| item.note_tried());
                Err(late(elapsed))
            }
        }
    }

    async fn all(&self, link: &mut Link, group: &[Arc<Item>]) -> Result<Vec<Written>, DatabaseError> {
        link.order(self.place.dialect.begin_write()).await?;
        let mut rows = Rows::default();
        let mut written = Vec::with_capacity(group.len());
        for item in group {
            written.push(apply(link, &mut rows, &item.write, item.is_tried(), self.place.dialect).await?);
        }
        rows.insert(link).await?;
        link.order(COMMIT).await?;
        Ok(written)
    }
}
